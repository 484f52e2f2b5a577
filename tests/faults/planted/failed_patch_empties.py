"""gunicorn's configuration with a planted fault: a piece that fails takes the bytes before it along, not the offset."""

import os
from typing import Any

from dataplane.staging_writer import StagingWriter
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)


def discard_all(self: StagingWriter) -> None:
    os.ftruncate(self._descriptor, 0)
    os.ftruncate(self._descriptor, self.synced)
    self.offset = self.synced


def post_fork(_server: Any, _worker: Any) -> None:
    StagingWriter.discard_unsynced = discard_all  # type: ignore[method-assign]
