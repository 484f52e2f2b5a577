"""The second step of a deletion: the bytes go, those of second copies too. The rows of the files stay as the record.

Files go by path, some hundred at a time: first their bytes, outside of any transaction, then one short transaction that
says how far it came. Whoever is killed in between removes some files a second time, which does no harm. From the first
batch on the dataset cannot be restored.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from dataplane.errors import DataplaneError, NotStored, StoreTrouble
from dataplane.side_by_side import SMALL_AT_ONCE, side_by_side
from keeping import events
from keeping.models import CopyPlan, FileCopy, Keeping, KeepingQuerySet
from portal.mail_claims import Clock
from portal.models import DataFile, Dataset
from portal.queue import enqueue
from portal.storage import file_key, store_named, store_of
from sharing.layouts import forget_layouts

LEASE = timedelta(minutes=1)
WORK_FOR = 50  # seconds; then the worker is free for other work, and another is called if more is to be done
_AT_ONCE = 500
_LOOKED_FOR = 10
_LONGEST_WAIT = timedelta(hours=6)
_COPYING = timedelta(minutes=3)  # longer than a copy is leased for

log = structlog.get_logger(__name__)

Place = tuple[str, str]  # a store and a key in it


class _Lost(Exception):
    """Somebody else does it, or it is held now."""


def purge_deleted(*, clock: Clock, seconds: float = WORK_FOR) -> int:
    """Purge for about so long what may no longer be restored; the number of datasets that are done."""
    stop_at, done = time.monotonic() + seconds, 0
    while (keeping := _claim(clock())) is not None:
        done += _purge(keeping, clock, stop_at)
        if time.monotonic() >= stop_at:
            enqueue("keeping.tasks.purge_task")
            break
    return done


def _claim(now: datetime) -> Keeping | None:
    claimant = secrets.token_hex(16)
    due = Keeping.objects.to_purge(now).due(now)
    for pk in due.order_by("purge_after").values_list("pk", flat=True)[:5]:
        if due.claim([pk], claimant=claimant, now=now, lease=LEASE):
            return Keeping.objects.select_related("dataset__project").get(pk=pk)
    return None


def _purge(keeping: Keeping, clock: Clock, stop_at: float) -> bool:
    """Whether nothing is left of it."""
    try:
        if keeping.purge_began_at is None:
            _require_presence(keeping.dataset)
            _begin(keeping, clock())
        if _is_being_copied(keeping.dataset, clock()):
            _put_off(keeping, clock() + _COPYING, "A copy of it is being made. It is removed after that.")
            return False
        while _remove_batch(keeping, clock):
            if time.monotonic() >= stop_at:
                _put_off(keeping, None, "")
                return False
        forget_layouts(keeping.dataset)
        _finish(keeping, clock())
    except _Lost:
        return False
    except (DataplaneError, OSError) as error:
        log.warning("not_purged", dataset=keeping.dataset.name, error=str(error))
        wait = min(_LONGEST_WAIT, timedelta(minutes=2 ** min(keeping.attempts, 9)))
        _put_off(keeping, clock() + wait, str(error))
        return False
    return True


def _require_presence(dataset: Dataset) -> None:
    """On a volume that is not mounted everything is gone already. Raises StoreTrouble when none is found."""
    first = list(dataset.files.verified().order_by("path")[:_LOOKED_FOR])
    if first and not any(_is_there(dataset, file) for file in first):
        raise StoreTrouble(f"Not one file is found in the store “{dataset.store}”. Look whether its volume is mounted.")


def _is_there(dataset: Dataset, file: DataFile) -> bool:
    try:
        store_of(dataset).size(file_key(dataset, file))
    except NotStored:
        return False
    return True


@transaction.atomic
def _begin(keeping: Keeping, now: datetime) -> None:
    """From here on it cannot be restored nor held."""
    ours = Keeping.objects.to_purge(now).filter(pk=keeping.pk, claimed_by=keeping.claimed_by)
    if not ours.update(purge_began_at=now):
        raise _Lost
    events.purge_began(keeping)


def _is_being_copied(dataset: Dataset, now: datetime) -> bool:
    """No new copies are begun of a deleted dataset; one under way would outlive it."""
    return FileCopy.objects.filter(dataset=dataset, leased_until__gt=now).exists()


def _remove_batch(keeping: Keeping, clock: Clock) -> bool:
    """Of second copies as long as there are any, then of the files; False when nothing was left."""
    dataset = keeping.dataset
    if copies := list(FileCopy.objects.filter(dataset=dataset).select_related("file")[:_AT_ONCE]):
        _remove_bytes([(copy.store, file_key(dataset, copy.file)) for copy in copies])
        _say_copies_removed(keeping, copies, clock())
        return True
    # By path: the index of a dataset's files has them in this order, however many there are.
    behind = dataset.files.current().filter(path__gt=keeping.purged_up_to)
    if files := list(behind.order_by("path").only("dataset", "path", "size", "state")[:_AT_ONCE]):
        _remove_bytes([(dataset.store, file_key(dataset, file)) for file in files])
        _say_removed(keeping, files, clock())
    return bool(files)


def _remove_bytes(places: Sequence[Place]) -> None:
    """Raises what a store says, once all have been tried. Side by side, as a store far away takes a while to answer;
    by shares, as in a folder it costs more to hand over one name than to remove it."""
    shares = [share for begin in range(SMALL_AT_ONCE) if (share := places[begin::SMALL_AT_ONCE])]
    for _, error in side_by_side(_remove_share, shares, lambda share: 0, _no_sign):
        if error:
            raise error


def _remove_share(places: Sequence[Place]) -> Exception | None:
    """The last error, if there was any."""
    trouble: Exception | None = None
    for store, key in places:
        try:
            store_named(store).delete(key)
        except (DataplaneError, OSError) as error:
            trouble = error
    return trouble


@transaction.atomic
def _say_copies_removed(keeping: Keeping, copies: Sequence[FileCopy], now: datetime) -> None:
    if not _ours(keeping).update(leased_until=now + LEASE):
        raise _Lost
    FileCopy.objects.filter(pk__in=[copy.pk for copy in copies]).delete()


def _say_removed(keeping: Keeping, files: Sequence[DataFile], now: datetime) -> None:
    sizes = [file.size for file in files if file.state == DataFile.State.VERIFIED]
    keeping.purged_up_to = files[-1].path
    if not _ours(keeping).update(
        purged_up_to=keeping.purged_up_to,
        files_purged=F("files_purged") + len(sizes),
        bytes_purged=F("bytes_purged") + sum(sizes),
        leased_until=now + LEASE,
        attempts=1,
        trouble="",
    ):
        raise _Lost


@transaction.atomic
def _finish(keeping: Keeping, now: datetime) -> None:
    if not _ours(keeping).update(purged_at=now, leased_until=None, trouble=""):
        raise _Lost
    Dataset.objects.filter(pk=keeping.dataset_id).update(state=Dataset.State.PURGED)
    CopyPlan.objects.filter(dataset=keeping.dataset_id).delete()
    keeping.refresh_from_db(fields=["files_purged", "bytes_purged"])
    events.dataset_purged(keeping)


def _ours(keeping: Keeping) -> KeepingQuerySet:
    return Keeping.objects.filter(pk=keeping.pk, claimed_by=keeping.claimed_by, purged_at__isnull=True)


def _put_off(keeping: Keeping, until: datetime | None, trouble: str) -> None:
    _ours(keeping).update(not_before=until, leased_until=None, claimed_by="", trouble=trouble[:300])


def _no_sign() -> None:
    """A batch is done long before the lease ends."""
