"""gunicorn's configuration with a planted fault: a full disk is an error like any other."""

from typing import Any

from dataplane import folders
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)


def post_fork(_server: Any, _worker: Any) -> None:
    from portal.storage import store  # needs a Django that is set up

    folders._FULL = frozenset()
    store().free_bytes = lambda: 2**40  # type: ignore[method-assign]
