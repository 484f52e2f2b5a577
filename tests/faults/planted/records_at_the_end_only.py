"""gunicorn's configuration with a planted fault: a PATCH that is cut counts as if nothing of it had come."""

from typing import Any

from dataplane import receive
from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)

take = receive._take


def take_all_or_nothing(body: Any, writer: Any, until: int, *arguments: Any) -> Any:
    ending = take(body, writer, until, *arguments)
    if ending is not None:
        writer.discard_unsynced()
    return ending


def post_fork(_server: Any, _worker: Any) -> None:
    receive._take = take_all_or_nothing  # type: ignore[assignment]
    receive.RECORD_EVERY = 2**40
