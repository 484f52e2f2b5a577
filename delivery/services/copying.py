"""Copies between projects, a batch of files at a time; any worker goes on where the last one was.

A file of the copy is `expected` until its bytes lie in the project's store and read back as they were verified in the
source. So what is still to be done needs no list of its own, and doing it twice does no harm.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.db import transaction

from dataplane.checksums import Digests, digest
from dataplane.errors import DataplaneError, NotStored, ReadBackDiffers
from dataplane.side_by_side import side_by_side
from dataplane.store import put_checked
from delivery.models import DatasetCopy
from delivery.services.copy_end import finish_copy, leave, remove_copy
from delivery.services.turns import Clock, Turn, TurnLost, begin_turn, wait_after
from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset
from portal.queue import enqueue
from portal.storage import dataset_key, file_key, open_verified, store_of

State = DatasetCopy.State

_ROWS_AT_ONCE = 2000
_BATCH_FILES = 500
_BATCH_BYTES = 256 * 1024 * 1024
_MOST_TRIES = 12  # some six hours, the waits together


class SourceOver(Exception):
    """The text says why nothing more can be copied."""


def copy_waiting(*, clock: Clock) -> int:
    """A turn for each copy that is due, the one that waited longest first; how many there were."""
    due = DatasetCopy.objects.under_way().due(clock()).order_by("not_before", "pk").values_list("pk", flat=True)
    ids = list(due)
    for copy_id in ids:
        make_copy(copy_id, clock=clock)
    return len(ids)


def make_copy(copy_id: int, *, clock: Clock) -> None:
    """One turn of a copy, unless somebody else has it."""
    turn = begin_turn(DatasetCopy.objects.under_way(), copy_id, clock)
    if turn is None:
        return
    copies = DatasetCopy.objects.select_related("source__project", "target__project", "link", "asked_by")
    copy = copies.get(pk=copy_id)
    try:
        _go_on(copy, turn, clock)
    except SourceOver as over:
        leave(copy, turn.claimant, str(over))
    except (DataplaneError, OSError) as error:
        _put_off(copy, turn.claimant, error, clock())
    except TurnLost:
        return


def _go_on(copy: DatasetCopy, turn: Turn, clock: Clock) -> None:
    target = _target(copy)
    if copy.state == State.LEAVING:
        remove_copy(copy, target, turn.claimant, clock())
        return
    _list_files(copy, target, turn)
    while batch := _next_batch(target):
        _refuse_if_over(copy)
        _copy_batch(copy, target, batch, turn, clock)
        if turn.is_over:
            _hand_on(copy, turn.claimant)
            return
    finish_copy(copy, target, turn.claimant, clock())


def _target(copy: DatasetCopy) -> Dataset:
    if copy.target is None:
        raise LookupError(f"copy {copy.pk} is under way without a dataset, which a constraint forbids")
    return copy.target


def _list_files(copy: DatasetCopy, target: Dataset, turn: Turn) -> None:
    """Rows for the files of the source, some thousand at a time. Cost: one query once they are there."""
    if target.files.count() == target.file_count:
        return
    for files in _in_batches(copy.source):
        DataFile.objects.bulk_create([_expected(target, file) for file in files], ignore_conflicts=True)
        turn.still_here()
    listed = target.files.count()
    if listed != target.file_count:
        raise NotStored(f"{target.file_count - listed} files of the original were found damaged and are not offered.")


def _in_batches(source: Dataset) -> Iterator[list[DataFile]]:
    last = 0
    while batch := list(source.files.verified().filter(pk__gt=last).order_by("pk")[:_ROWS_AT_ONCE]):
        yield batch
        last = batch[-1].pk


def _expected(target: Dataset, file: DataFile) -> DataFile:
    return DataFile(
        dataset=target,
        path=file.path,
        path_key=file.path_key,
        size=file.size,
        mtime_ns=file.mtime_ns,
        sha256=file.sha256,
        crc32=file.crc32,
    )


def _next_batch(target: Dataset) -> list[DataFile]:
    batch, size = [], 0
    for file in target.files.filter(state=DataFile.State.EXPECTED).order_by("path")[:_BATCH_FILES]:
        batch.append(file)
        size += file.size
        if size >= _BATCH_BYTES:
            break
    return batch


def _refuse_if_over(copy: DatasetCopy) -> None:
    """Raises SourceOver. A link that ran out meanwhile is fine, as it is for a download that has begun."""
    copy.link.refresh_from_db(fields=["revoked_at"])
    if copy.link.revoked_at:
        raise SourceOver("The link was revoked by the people who sent it.")
    copy.source.refresh_from_db(fields=["state", "store"])
    if copy.source.state in (Dataset.State.EXPIRED, Dataset.State.PURGED):
        raise SourceOver("The original was deleted before everything was copied.")


def _copy_batch(copy: DatasetCopy, target: Dataset, batch: list[DataFile], turn: Turn, clock: Clock) -> None:
    done = side_by_side(
        lambda file: _copy_file(copy.source, target, file), batch, lambda file: file.size, turn.still_here
    )
    _say_copied(copy, turn.claimant, [file for file, error in done if error is None], clock())
    for _, error in done:
        if error is not None:
            raise error


def _copy_file(source: Dataset, target: Dataset, file: DataFile) -> Exception | None:
    """Inside one store the store does it (a second name in a folder, a copy in S3); else the bytes are streamed."""
    store, key = store_of(target), file_key(target, file)
    expected = Digests(file.size, file.sha256, file.crc32 or 0)
    try:
        if source.store == target.store:
            with suppress(NotStored):  # the source may just have moved to another store
                store.copy(f"{dataset_key(source)}/{file.path}", key)
                _require_equal(target, file, expected)
                return None
        with open_verified(source, file.path) as stream:
            put_checked(store, key, stream, expected)
    except (DataplaneError, OSError) as error:
        return error
    return None


def _require_equal(target: Dataset, file: DataFile, expected: Digests) -> None:
    with open_verified(target, file.path) as stream:
        found = digest(stream)
    if found != expected:
        store_of(target).delete(file_key(target, file))
        raise ReadBackDiffers(f"{file.path[:120]!a} does not read as it was verified. The facility has to look at it.")


def _say_copied(copy: DatasetCopy, claimant: str, files: list[DataFile], now: datetime) -> None:
    """Raises TurnLost: then whoever has the copy now says it."""
    if not files:
        return
    with transaction.atomic():
        if not DatasetCopy.objects.select_for_update().filter(pk=copy.pk, claimed_by=claimant).exists():
            raise TurnLost
        rows = DataFile.objects.filter(pk__in=[file.pk for file in files], state=DataFile.State.EXPECTED)
        count = rows.update(state=DataFile.State.VERIFIED, received_at=now, verified_at=now)
        size = sum(file.size for file in files)
        apply_change(files[0].dataset_id, Change(verified=count, bytes_verified=size))
        DatasetCopy.objects.filter(pk=copy.pk).update(attempts=0, reason="")
    copy.attempts = 0


def _hand_on(copy: DatasetCopy, claimant: str) -> None:
    mine = DatasetCopy.objects.filter(pk=copy.pk, claimed_by=claimant)
    mine.update(leased_until=None, claimed_by="", attempts=0)
    enqueue("delivery.tasks.copy_task", copy.pk)


def _put_off(copy: DatasetCopy, claimant: str, error: Exception, now: datetime) -> None:
    if copy.attempts >= _MOST_TRIES and copy.state == State.COPYING:
        leave(copy, claimant, str(error))
        return
    mine = DatasetCopy.objects.filter(pk=copy.pk, claimed_by=claimant)
    again = now + wait_after(copy.attempts)
    mine.update(not_before=again, leased_until=None, claimed_by="", reason=str(error)[:300])
