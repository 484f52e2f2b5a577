"""gunicorn's configuration with a planted fault: bytes are acknowledged while they are still in memory."""

from typing import Any

from dataplane.staging_writer import StagingWriter
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)


def write_to_memory(self: StagingWriter, piece: bytes | memoryview) -> None:
    held.setdefault(id(self), []).append(bytes(piece))
    self.offset += len(piece)


held: dict[int, list[bytes]] = {}


def post_fork(_server: Any, _worker: Any) -> None:
    StagingWriter.write = write_to_memory  # type: ignore[method-assign]
