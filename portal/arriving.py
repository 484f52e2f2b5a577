"""How fast verified files of a dataset come, and which came last: kept in the cache, so that a page that many people
watch asks no database for it. What the cache forgets is shown again with the next file.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import transaction

from portal.models import DataFile, Dataset

log = structlog.get_logger(__name__)

NEWEST = 5
_KEPT = 3600  # seconds
_RATE_OVER = 60


@dataclass(frozen=True, slots=True)
class Arriving:
    """`newest` as path and size, the last first; bytes and files a second over the last minute."""

    newest: list[tuple[str, int]]
    bytes_rate: float = 0
    files_rate: float = 0


def files_verified(dataset: Dataset, files: Collection[DataFile]) -> None:
    """See `portal.verified`. Cost: two questions to the cache, after the commit."""
    newest = [(file.path, file.size) for file in files][-NEWEST:][::-1]
    sample = (time.time(), len(files), sum(file.size for file in files))
    transaction.on_commit(lambda: _note(dataset.pk, newest, sample))


def arriving_now(dataset_id: UUID, now: float) -> Arriving:
    """`now` as :func:`time.time` says it."""
    known = _asked(dataset_id)
    recent = [sample for sample in known.get("samples", []) if sample[0] > now - _RATE_OVER]
    if not recent:
        return Arriving(known.get("newest", []))
    span = min(_RATE_OVER, max(10, now - recent[0][0]))
    return Arriving(known["newest"], sum(each[2] for each in recent) / span, sum(each[1] for each in recent) / span)


def _note(dataset_id: UUID, newest: list[tuple[str, int]], sample: tuple[float, int, int]) -> None:
    """Two workers at the same moment may forget one of both: the counts are elsewhere."""
    known = _asked(dataset_id)
    samples = [each for each in known.get("samples", []) if each[0] > sample[0] - _RATE_OVER]
    both = {"newest": [*newest, *known.get("newest", [])][:NEWEST], "samples": [*samples, sample]}
    try:
        cache.set(_key(dataset_id), both, _KEPT)
    except Exception as error:  # noqa: BLE001  (whatever the cache's driver raises: it is shown, not needed)
        log.warning("cache_unreachable", error=type(error).__name__)


def _asked(dataset_id: UUID) -> dict[str, Any]:
    try:
        known: dict[str, Any] = cache.get(_key(dataset_id)) or {}
    except Exception as error:  # noqa: BLE001  (whatever the cache's driver raises: it is shown, not needed)
        log.warning("cache_unreachable", error=type(error).__name__)
        return {}
    return known


def _key(dataset_id: UUID) -> str:
    return f"arriving:{dataset_id}"
