"""Verified or not offered: every file is read back from the store and compared with what its sender stated.

A file is work while it is `received` with a stated checksum. Workers claim batches by a conditional UPDATE with a
lease, digest outside of any transaction, move what is right to its place, and then tell the database in one short
transaction. A worker that dies at any point leaves rows whose lease runs out; doing them again does no harm.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from dataplane.checksums import Digests, digest
from dataplane.errors import DataplaneError, NotStored, PathRefused, PathTaken
from dataplane.side_by_side import StillHere
from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset
from portal.storage import store
from portal.verified import tell_verified
from uploads.services.claims import Clock, LeaseKeeper
from uploads.services.older_versions import say_aside, set_aside
from uploads.services.outcome import Outcome
from uploads.services.placing import forget_waiting, place, placement
from uploads.services.release import release_if_whole
from uploads.services.trouble import tell_corrupt
from uploads.services.versions import lock_dataset

_AGAIN_AFTER = timedelta(minutes=1)

State = DataFile.State


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is empty for a file that is what its sender stated."""

    file: DataFile
    crc32: int
    reason: str = ""


def verify_batch(files: list[DataFile], *, clock: Clock = timezone.now) -> Outcome:
    """Digest the claimed files, place what is right, record the verdicts, and release datasets that are whole.

    Cost: queries for each dataset and each few hundred files, one more for each half minute of digesting. Memory:
    two pieces of 1 MiB.
    """
    keep = LeaseKeeper(files, clock)
    verdicts, put_off = [], 0
    for file in files:
        try:
            verdicts.append(_judge(file, keep))
        except OSError as error:
            put_off += _put_off(file, f"The store could not be read: {error.strerror}.", clock())
    by_dataset: dict[UUID, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_dataset[verdict.file.dataset_id].append(verdict)
    total = Outcome(0, 0, put_off)
    for dataset_id, rows in by_dataset.items():
        total += _settle(dataset_id, rows, keep.renew, clock)
    return total


def _judge(file: DataFile, keep: LeaseKeeper) -> Verdict:
    try:
        with store().open_received(placement(file)) as stream:
            found = digest(keep.reading(stream))
    except NotStored as error:
        return Verdict(file, 0, str(error))
    return Verdict(file, found.crc32, _difference(file, found))


def _difference(file: DataFile, found: Digests) -> str:
    if found.size != file.size:
        return f"{found.size} bytes are stored, {file.size} were announced. Send the file again."
    if found.sha256 != file.sha256:
        return (
            f"The stored bytes have the SHA-256 {found.sha256[:16]}…, the sender stated {file.sha256[:16]}…. "
            "Send the file again."
        )
    return ""


def _settle(dataset_id: UUID, verdicts: list[Verdict], still_here: StillHere, clock: Clock) -> Outcome:
    """Place the good, then record all verdicts of one dataset that are still wanted, and release it if whole."""
    ours = _still_ours(verdicts)
    good = [verdict.file for verdict in verdicts if not verdict.reason and verdict.file.pk in ours]
    failures = _place(good, still_here)
    now = clock()
    put_off = [v for v in verdicts if _is_passing(failures.get(v.file.received_key))]
    for verdict in put_off:
        _put_off(verdict.file, str(failures[verdict.file.received_key]), now)
    settled = [_with_failure(v, failures) for v in verdicts if v not in put_off]
    with transaction.atomic():
        dataset = lock_dataset(dataset_id)
        moved = [v for v in settled if v.file.dataset.store != dataset.store]
        verified, corrupt = _record(dataset, [v for v in settled if v not in moved], now)
    for verdict in moved:
        _put_off(verdict.file, "The dataset was moved to another store meanwhile.", now)
    for file in corrupt:
        if file.received_key:
            store().delete(file.received_key)
    forget_waiting(verified)
    release_if_whole(dataset_id, now=now)
    return Outcome(len(verified), len(corrupt), len(put_off) + len(moved))


def _place(good: list[DataFile], still_here: StillHere) -> dict[str, DataplaneError]:
    if not good:
        return {}
    try:
        set_aside(good[0].dataset, [file.path_key for file in good])
    except DataplaneError as error:
        return dict.fromkeys((file.received_key for file in good), error)
    return place(good, still_here)


def _is_passing(failure: DataplaneError | None) -> bool:
    return failure is not None and not isinstance(failure, NotStored | PathTaken | PathRefused)


def _with_failure(verdict: Verdict, failures: dict[str, DataplaneError]) -> Verdict:
    failure = failures.get(verdict.file.received_key)
    return Verdict(verdict.file, verdict.crc32, str(failure)) if failure else verdict


def _record(dataset: Dataset, verdicts: list[Verdict], now: datetime) -> tuple[list[DataFile], list[DataFile]]:
    """Verified and corrupt files. One that was superseded or claimed by somebody else meanwhile is left alone."""
    ours = _still_ours(verdicts)
    verified: list[DataFile] = []
    corrupt: list[DataFile] = []
    for verdict in verdicts:
        if verdict.file.pk in ours:
            (corrupt if verdict.reason else verified).append(_judged(verdict, now))
    fields = ("state", "crc32", "reason", "verified_at", "claimed_by", "leased_until")
    DataFile.objects.bulk_update([*verified, *corrupt], fields, batch_size=500)
    say_aside(dataset, [file.path_key for file in verified])
    change = Change(
        received=-len(verified) - len(corrupt),
        verified=len(verified),
        bytes_verified=sum(file.size for file in verified),
        corrupt=len(corrupt),
    )
    if verified or corrupt:
        apply_change(dataset.pk, change)
    tell_verified(dataset, verified)
    if corrupt:
        tell_corrupt(dataset, corrupt, now=now)
    return verified, corrupt


def _still_ours(verdicts: list[Verdict]) -> set[int]:
    files = [verdict.file for verdict in verdicts]
    claims = DataFile.objects.to_verify().filter(
        pk__in=[file.pk for file in files], claimed_by__in={file.claimed_by for file in files}
    )
    return set(claims.values_list("pk", flat=True))


def _judged(verdict: Verdict, now: datetime) -> DataFile:
    file = verdict.file
    if verdict.reason:
        file.state, file.reason = State.CORRUPT, verdict.reason[:300]
    else:
        file.state, file.reason, file.crc32, file.verified_at = State.VERIFIED, "", verdict.crc32, now
    file.claimed_by, file.leased_until = "", None
    return file


def _put_off(file: DataFile, reason: str, now: datetime) -> int:
    """Passing trouble of the store is no verdict: try again in a minute."""
    mine = DataFile.objects.to_verify().filter(pk=file.pk, claimed_by=file.claimed_by)
    return mine.update(not_before=now + _AGAIN_AFTER, leased_until=None, claimed_by="", reason=reason[:300])
