"""gunicorn's configuration with a planted fault: what cannot be read for a while is said not to exist."""

from typing import Any

from dataplane.upload_application import UploadRefused
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)
from tests.faults.planted import passing_read_error


def post_fork(server: Any, worker: Any) -> None:
    from uploads.gate import tus  # needs a Django that is set up

    def refused(status: int, *words: Any, **more: Any) -> UploadRefused:
        return UploadRefused(404 if status == 503 else status, *words, **more)

    passing_read_error.post_fork(server, worker)
    vars(tus)["UploadRefused"] = refused
