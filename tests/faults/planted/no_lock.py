"""gunicorn's configuration with a planted fault: everybody gets the lock at once and nobody is asked to stop."""

from typing import Any

from dataplane import lock
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)


def post_fork(_server: Any, _worker: Any) -> None:
    lock._try_flock = lambda descriptor: True
    lock._give_way_to_newer = lambda descriptor, ticket: None
    lock.WriterLock.stop_requested = lambda self: False  # type: ignore[method-assign]
