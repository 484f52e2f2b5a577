"""gunicorn's configuration with a planted fault: whatever asks for bytes is taken for a person."""

from typing import Any

from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)


def post_fork(server: Any, worker: Any) -> None:
    from sharing.gate import downloads  # needs a Django that is set up

    vars(downloads)["only_looks"] = lambda request: False
    vars(downloads)["only_knocks"] = lambda spans, total: False
