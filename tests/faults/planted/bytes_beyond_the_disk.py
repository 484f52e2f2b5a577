"""gunicorn's configuration with a planted fault: bytes that found no room are acknowledged all the same."""

from typing import Any

from dataplane.errors import NoRoom
from dataplane.staging_writer import StagingWriter
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)

write_honestly = StagingWriter.write


def write_with_hope(self: StagingWriter, piece: bytes | memoryview) -> None:
    end = self.offset + len(piece)
    try:
        write_honestly(self, piece)
    except NoRoom:
        self.offset = end


def post_fork(_server: Any, _worker: Any) -> None:
    StagingWriter.write = write_with_hope  # type: ignore[method-assign]
