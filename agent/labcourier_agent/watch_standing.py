"""How the watched folders stand: written by `watch`, read by whoever tells others, such as the heartbeat."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum


class FolderState(StrEnum):
    """`missing`: not there now, as a share that is not mounted. `paused`: outside of the hours for sending."""

    WATCHING = "watching"
    MISSING = "missing"
    PAUSED = "paused"
    ERROR = "error"


@dataclass(frozen=True)
class FolderStanding:
    """`portal` is the name of a connected portal. Waiting: seen but not yet verified. `message` is empty when all is
    well.
    """

    path: str
    portal: str
    state: FolderState
    files_waiting: int = 0
    bytes_waiting: int = 0
    datasets_open: int = 0
    message: str = ""


@dataclass(frozen=True)
class WatchStanding:
    """Times are in UTC. `stopping` once the process was asked to end."""

    started_at: datetime
    folders: tuple[FolderStanding, ...] = ()
    last_error: str | None = None
    last_error_at: datetime | None = None
    stopping: bool = False

    @property
    def files_waiting(self) -> int:
        return sum(folder.files_waiting for folder in self.folders)

    @property
    def bytes_waiting(self) -> int:
        return sum(folder.bytes_waiting for folder in self.folders)


class StandingBoard:
    """Thread-safe. `read` never waits for the disk or the network."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing = WatchStanding(datetime.now(UTC))

    def read(self) -> WatchStanding:
        with self._lock:
            return self._standing

    def post(self, folders: Sequence[FolderStanding]) -> None:
        with self._lock:
            self._standing = replace(self._standing, folders=tuple(folders))

    def post_error(self, sentence: str) -> None:
        with self._lock:
            self._standing = replace(self._standing, last_error=sentence, last_error_at=datetime.now(UTC))

    def post_stopping(self) -> None:
        with self._lock:
            self._standing = replace(self._standing, stopping=True)
