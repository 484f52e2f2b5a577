"""Rings for verification, once for many files: what is to be verified stands in the database."""

import structlog
from django.core.cache import cache
from django.db import transaction

from portal.queue import enqueue

log = structlog.get_logger(__name__)

_RUNG = "uploads:verify-rung"
_RUNG_FOR = 20  # seconds; a bell that was lost is rung again after that, and by the sweeper each minute


def ring_to_verify() -> None:
    """After the commit, unless somebody has rung and no worker has answered yet."""
    transaction.on_commit(_ring_unless_rung)


def answer_bell() -> None:
    """A worker says that it now looks for files: whatever is received from here on rings again."""
    try:
        cache.delete(_RUNG)
    except Exception as error:  # noqa: BLE001  (whatever the cache's driver raises: the flag runs out by itself)
        log.warning("cache_unreachable", error=type(error).__name__)


def _ring_unless_rung() -> None:
    try:
        first = cache.add(_RUNG, 1, timeout=_RUNG_FOR)
    except Exception as error:  # noqa: BLE001  (without a cache every file rings, which is only slower)
        log.warning("cache_unreachable", error=type(error).__name__)
        first = True
    if first:
        enqueue("uploads.tasks.verify_task")
