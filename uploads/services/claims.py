"""Who verifies what: files are claimed in batches with a lease that the living renew and the dead lose."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from dataplane.checksums import Reader
from portal.models import DataFile

BATCH_FILES = 500
BATCH_BYTES = 256 * 1024 * 1024
LEASE = timedelta(minutes=1)  # with a tick a minute, what a dead worker held goes on within two
_RENEW_EVERY = timedelta(seconds=20)

Clock = Callable[[], datetime]


def claim_batch(*, now: datetime) -> list[DataFile]:
    """Files to verify that nobody else has: at most 500, or 256 MiB and the file that passes it. Three queries."""
    waiting = DataFile.objects.to_verify().due(now).order_by("received_at").values_list("pk", "size")
    ids = _first_that_fit(list(waiting[:BATCH_FILES]))
    claimant = secrets.token_hex(16)
    if not ids or not DataFile.objects.to_verify().claim(ids, claimant=claimant, now=now, lease=LEASE):
        return []
    claimed = DataFile.objects.filter(pk__in=ids, claimed_by=claimant)
    return list(claimed.select_related("dataset__project"))


class LeaseKeeper:
    """Reads on behalf of a digest and renews the batch's lease on the way, so that only the dead lose it."""

    def __init__(self, files: list[DataFile], clock: Clock) -> None:
        self._claims = DataFile.objects.filter(
            pk__in=[file.pk for file in files], claimed_by__in={file.claimed_by for file in files}
        )
        self._clock = clock
        self._renewed_at = clock()

    def reading(self, reader: Reader) -> "_KeptReader":
        return _KeptReader(reader, self)

    def renew(self) -> None:
        now = self._clock()
        if now - self._renewed_at >= _RENEW_EVERY:
            self._claims.update(leased_until=now + LEASE)
            self._renewed_at = now


class _KeptReader:
    def __init__(self, reader: Reader, keeper: LeaseKeeper) -> None:
        self._reader, self._keeper = reader, keeper

    def readinto(self, buffer: memoryview, /) -> int | None:
        self._keeper.renew()
        return self._reader.readinto(buffer)


def _first_that_fit(waiting: list[tuple[int, int]]) -> list[int]:
    ids: list[int] = []
    total = 0
    for file_id, size in waiting:
        ids.append(file_id)
        total += size
        if total >= BATCH_BYTES:
            break
    return ids
