"""The JSON of an agent's heartbeat. Whoever sends too much is told so; nothing is cut off silently."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from ninja import Field, Schema
from pydantic import AwareDatetime, StringConstraints

from uploads.schemas import BIGGEST, Printable
from uploads.services.heartbeat import Beat

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Printable]
Version = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), Printable]
Message = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Printable]
FolderPath = Annotated[str, StringConstraints(min_length=1, max_length=1024), Printable]
Count = Annotated[int, Field(ge=0, le=BIGGEST, strict=True)]


class FolderIn(Schema):
    path: FolderPath
    state: Literal["watching", "missing", "paused", "error"]
    files_waiting: Count = 0
    bytes_waiting: Count = 0
    datasets_open: Count = 0
    message: Message = ""


class QueueIn(Schema):
    files: Count = 0
    bytes: Count = 0


class DiskIn(Schema):
    free: Count
    total: Count


class HeartbeatIn(Schema):
    agent_id: UUID
    host: Name
    agent_version: Version
    platform: Annotated[str, StringConstraints(max_length=200), Printable] = ""
    interval_s: Annotated[int, Field(ge=10, le=86_400, strict=True)]
    started_at: AwareDatetime
    folders: Annotated[list[FolderIn], Field(max_length=100)] = []
    queue: QueueIn = QueueIn()
    last_error: Message | None = None
    last_error_at: AwareDatetime | None = None
    disk: DiskIn | None = None
    stopping: bool = False

    def beat(self) -> Beat:
        return Beat(
            agent_id=self.agent_id,
            host=self.host,
            version=self.agent_version,
            platform=self.platform,
            interval_s=self.interval_s,
            started_at=self.started_at,
            folders=[folder.dict() for folder in self.folders],
            queue_files=self.queue.files,
            queue_bytes=self.queue.bytes,
            last_error=self.last_error or "",
            last_error_at=self.last_error_at,
            disk_free=self.disk.free if self.disk else None,
            disk_total=self.disk.total if self.disk else None,
            stopping=self.stopping,
        )


class HeardOut(Schema):
    server_time: datetime
    agent_version_latest: str
    agent_version_min: str
