"""Work that crosses rooms goes by name, after commit. A lost bell is found again by the sweeper of the room."""

import structlog
from celery.exceptions import OperationalError as CeleryOperationalError
from django.db import transaction
from kombu.exceptions import OperationalError

from portal.celery import app

log = structlog.get_logger(__name__)


def enqueue(task_name: str, *ids: int | str, delay: int = 0) -> None:
    """Rings the bell of ``task_name`` with row ids once the open transaction, if any, has committed; the worker
    hears it ``delay`` seconds later, when more has gathered.

    A broker that is down costs a log line, never the request: the row that describes the work is already stored.
    """
    transaction.on_commit(lambda: _ring(task_name, ids, delay))


def _ring(task_name: str, ids: tuple[int | str, ...], delay: int) -> None:
    try:
        app.send_task(task_name, args=list(ids), countdown=delay or None, retry=False)
    except (OperationalError, CeleryOperationalError, OSError) as error:
        log.warning("broker_unreachable", task=task_name, ids=ids, error=type(error).__name__)
