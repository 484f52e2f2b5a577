"""Copies of verified files in another store: asked for, made and read back, removed where they are no longer wanted.

A copy is work while it is `wanted`, and while it is `leaving`. Workers claim batches with a lease, move bytes outside
of any transaction, and say so in one UPDATE. Doing it again does no harm: a copy that is there and right is not sent
twice.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dataplane.errors import DataplaneError, NotStored, ReadBackDiffers, SourceCut
from dataplane.side_by_side import StillHere, side_by_side
from dataplane.store import put_checked
from keeping.models import FileCopy, FileCopyQuerySet
from keeping.services.examining import digests_of, examine
from portal.mail_claims import Clock
from portal.models import DataFile, Dataset
from portal.models.files import DataFileQuerySet
from portal.queue import enqueue
from portal.storage import file_key, store_named, store_of

LEASE = timedelta(minutes=1)
_RENEW_EVERY = timedelta(seconds=20)
_LONGEST_WAIT = timedelta(hours=1)
_BATCH_FILES = 500
_BATCH_BYTES = 256 * 1024 * 1024

State = FileCopy.State
Tell = Callable[["Moved"], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """Files and bytes that were copied or removed; `put_off` counts what is tried again later."""

    files: int = 0
    bytes: int = 0
    put_off: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.files + other.files, self.bytes + other.bytes, self.put_off + other.put_off)


def quietly(moved: Moved) -> None:
    """The progress of what nobody watches."""


def want_copies(dataset: Dataset, store: str) -> None:
    """Ask for a copy of each verified file that has none in `store`, some thousand rows at a time."""
    lost = dataset.copies.filter(store=store).exclude(file__state__in=[DataFile.State.VERIFIED, DataFile.State.CORRUPT])
    lost.delete()
    dataset.copies.filter(store=store, state=State.LEAVING).update(state=State.WANTED)
    for files in in_batches(dataset.files.verified().exclude(copies__store=store)):
        FileCopy.objects.bulk_create(
            [FileCopy(dataset=dataset, file=file, store=store) for file in files], ignore_conflicts=True
        )


def in_batches(files: DataFileQuerySet, size: int = 2000) -> Iterator[list[DataFile]]:
    """By id, so that rows which are made meanwhile are no hindrance."""
    last = 0
    while batch := list(files.filter(pk__gt=last).order_by("pk")[:size]):
        yield batch
        last = batch[-1].pk


def make_copies(*, clock: Clock, among: FileCopyQuerySet | None = None, tell: Tell = quietly) -> Moved:
    """Make what is wanted `among` these (or at all) and due, a batch at a time."""
    return _work_off((FileCopy.objects.all() if among is None else among).to_make(), _make, _say_made, clock, tell)


def remove_left(*, clock: Clock, among: FileCopyQuerySet | None = None, tell: Tell = quietly) -> Moved:
    """Remove what moved datasets have left behind, as `make_copies`."""
    left = (FileCopy.objects.all() if among is None else among).to_remove()
    return _work_off(left, _remove, _say_removed, clock, tell)


def _work_off(
    waiting: FileCopyQuerySet,
    work: Callable[[FileCopy], Exception | None],
    say: Callable[[list[FileCopy], datetime], None],
    clock: Clock,
    tell: Tell,
) -> Moved:
    total = Moved()
    while batch := _claim(waiting, clock()):
        done = side_by_side(work, batch, lambda copy: copy.file.size, _renewing(batch, clock))
        good = [copy for copy, error in done if error is None]
        say(good, clock())
        for copy, error in done:
            if error:
                _put_off(copy, error, clock())
        total += Moved(len(good), sum(copy.file.size for copy in good), len(done) - len(good))
        tell(total)
    return total


def _claim(waiting: FileCopyQuerySet, now: datetime) -> list[FileCopy]:
    due = waiting.due(now).order_by("pk").values_list("pk", "file__size")[:_BATCH_FILES]
    ids = list(_first_that_fit(due))
    claimant = secrets.token_hex(16)
    if not ids or not waiting.claim(ids, claimant=claimant, now=now, lease=LEASE):
        return []
    return list(FileCopy.objects.filter(pk__in=ids, claimed_by=claimant).select_related("file", "dataset__project"))


def _first_that_fit(rows: Iterable[tuple[int, int]]) -> Iterator[int]:
    total = 0
    for pk, size in rows:
        yield pk
        total += size
        if total >= _BATCH_BYTES:
            return


def _renewing(batch: list[FileCopy], clock: Clock) -> StillHere:
    renewed = clock()
    held = FileCopy.objects.filter(pk__in=[copy.pk for copy in batch], claimed_by=batch[0].claimed_by)

    def still_here() -> None:
        nonlocal renewed
        if (now := clock()) - renewed >= _RENEW_EVERY:
            held.update(leased_until=now + LEASE)
            renewed = now

    return still_here


def _make(copy: FileCopy) -> Exception | None:
    key = file_key(copy.dataset, copy.file)
    copy.file.dataset = copy.dataset
    try:
        target = store_named(copy.store)
        if examine(target, copy.file).reason:
            with store_of(copy.dataset).open(key) as source:
                put_checked(target, key, source, digests_of(copy.file))
    except (DataplaneError, OSError) as error:
        return error
    return None


def _remove(copy: FileCopy) -> Exception | None:
    try:
        store_named(copy.store).delete(file_key(copy.dataset, copy.file))
    except (DataplaneError, OSError) as error:
        return error
    return None


def _say_made(copies: list[FileCopy], now: datetime) -> None:
    for claimed_by in {copy.claimed_by for copy in copies}:
        mine = FileCopy.objects.filter(pk__in=[copy.pk for copy in copies], claimed_by=claimed_by, state=State.WANTED)
        mine.update(state=State.GOOD, made_at=now, reason="", claimed_by="", leased_until=None, attempts=0)


def _say_removed(copies: list[FileCopy], now: datetime) -> None:
    FileCopy.objects.filter(pk__in=[copy.pk for copy in copies], state=State.LEAVING).delete()


def _put_off(copy: FileCopy, error: Exception, now: datetime) -> None:
    """The wait doubles each time. A source that is missing or reads as other bytes is looked at by itself."""
    again = now + min(_LONGEST_WAIT, timedelta(minutes=2 ** min(copy.attempts, 6)))
    mine = FileCopy.objects.filter(pk=copy.pk, claimed_by=copy.claimed_by)
    mine.update(not_before=again, leased_until=None, claimed_by="", reason=str(error)[:300])
    if isinstance(error, NotStored | ReadBackDiffers | SourceCut):
        enqueue("keeping.tasks.examine_task", copy.file_id)
