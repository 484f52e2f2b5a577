"""A bundle becomes files: each member is written to its place, read back and compared with the manifest.

A bundle is work while it is `received`. A worker claims one, unpacks it a thousand members at a time, and says so in
one transaction each; what it stores is flushed before that. A worker that dies leaves a bundle whose lease runs out;
whoever goes on begins behind the last batch that was said, and does no harm to what was stored beyond it.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction

from dataplane.errors import Busy, DataplaneError, NotStored, PathRefused, PathTaken
from dataplane.localstore import MemberPiece
from dataplane.store import Placement
from dataplane.tarbundle import BundleRefused, Member, read_members
from portal.counts import Change, apply_change
from portal.errors import Invalid
from portal.models import DataFile, Dataset
from portal.storage import dataset_key, store, unpacked_key
from portal.stores import LOCAL
from portal.verified import tell_verified
from uploads.models import Bundle
from uploads.services.bundle_batch import Batch, ClaimLost, Unpacked, require_claim, without_conflicts
from uploads.services.bundle_rivals import hand_over_rivals, settled_rivals
from uploads.services.claims import LEASE, Clock
from uploads.services.file_wishes import (
    FileWish,
    RawWish,
    checked_wish,
    current_files,
    note_folders,
)
from uploads.services.older_versions import say_aside, set_aside
from uploads.services.outcome import Outcome
from uploads.services.release import release_if_whole
from uploads.services.trouble import tell_corrupt, tell_refused
from uploads.services.versions import lock_dataset, new_file

BATCH_FILES = 1000
BATCH_BYTES = 64 * 1024 * 1024
_AGAIN_AFTER = timedelta(minutes=1)

State = DataFile.State


def claim_bundle(*, now: datetime) -> Bundle | None:
    """The bundle that waits longest and that nobody else has. Three queries."""
    waiting = Bundle.objects.waiting().due(now).order_by("received_at").values_list("pk", flat=True)[:1]
    claimant = secrets.token_hex(16)
    if not Bundle.objects.waiting().claim(list(waiting), claimant=claimant, now=now, lease=LEASE):
        return None
    return Bundle.objects.select_related("dataset__project").get(claimed_by=claimant)


def unpack_bundle(bundle: Bundle, *, clock: Clock) -> Outcome:
    """Unpack a claimed bundle to its end, and release its dataset if that makes it whole.

    Cost: about ten queries for a thousand members. Memory: the list of the members, and 1 MiB.
    """
    verified, corrupt = bundle.verified_count, _corrupt_count(bundle)
    try:
        try:
            for batch in _batches(bundle):
                hand_over_rivals(bundle, batch, clock)
                _settle(bundle, batch, clock())
            _finish(bundle)
        except (BundleRefused, NotStored) as error:
            _refuse(bundle, str(error), clock())
    except ClaimLost:
        return Outcome(0, 0, 0)
    except (DataplaneError, OSError) as error:
        _put_off(bundle, f"The store gives trouble: {error}", clock())
        return Outcome(bundle.verified_count - verified, _corrupt_count(bundle) - corrupt, 1)
    store().delete(bundle.received_key)
    release_if_whole(bundle.dataset_id, now=clock())
    return Outcome(bundle.verified_count - verified, _corrupt_count(bundle) - corrupt, 0)


def _batches(bundle: Bundle) -> Iterator[Batch]:
    """What is not said yet, each batch written, flushed and read back. Raises BundleRefused, NotStored, NoRoom."""
    members = _members(bundle)
    taken = {key for member in members[: bundle.done_count] if (key := _key_or_none(member))}
    while bundle.done_count < len(members):
        first = bundle.done_count
        batch = Batch(first, _end_of_batch(members, first))
        wishes = _good_names(members[first : batch.end], batch, taken)
        pieces = [
            MemberPiece(
                unpacked_key(bundle.pk, bundle.attempts, first + place), member.offset, member.size, member.mtime_ns
            )
            for place, (member, _) in enumerate(wishes)
        ]
        digests = store().unpack(bundle.received_key, pieces)
        batch.files = [
            Unpacked(wish, piece.key, found) for (_, wish), piece, found in zip(wishes, pieces, digests, strict=True)
        ]
        yield batch


def _members(bundle: Bundle) -> list[Member]:
    with store().open(bundle.received_key) as tar:
        return read_members(tar.fileno(), manifest_at=bundle.manifest_at, count=bundle.file_count)


def _end_of_batch(members: list[Member], first: int) -> int:
    end, size = first, 0
    while end < len(members) and end - first < BATCH_FILES and size < BATCH_BYTES:
        size += members[end].size
        end += 1
    return end


def _key_or_none(member: Member) -> str | None:
    try:
        return checked_wish(RawWish(member.path, member.size)).key
    except (PathRefused, Invalid):
        return None


def _good_names(members: list[Member], batch: Batch, taken: set[str]) -> list[tuple[Member, FileWish]]:
    """Members that can be stored under their names; the others go to `batch.bad`. `taken`: keys of earlier ones."""
    good = []
    for member in members:
        try:
            wish = checked_wish(RawWish(member.path, member.size, member.mtime_ns, member.sha256))
        except (PathRefused, Invalid) as error:
            batch.refuse(member.path, member.sha256, str(error))
            continue
        if not member.sha256:
            batch.refuse(member.path, "", "It changed while it was packed. Send it again.", state="skipped")
        elif member.problem:
            batch.refuse(member.path, member.sha256, member.problem)
        elif wish.key in taken:
            batch.refuse(member.path, member.sha256, "Another file of the bundle has this name. Rename one of them.")
        else:
            taken.add(wish.key)
            good.append((member, wish))
    return good


def _settle(bundle: Bundle, batch: Batch, now: datetime) -> None:
    """Rows for a batch of files, in one transaction in which they also take their places.

    Places are taken while the dataset is locked: a file of the same name that came another way could otherwise be
    overwritten after it was said to be verified.
    """
    with transaction.atomic():
        dataset = lock_dataset(bundle.dataset_id)
        require_claim(bundle, batch, now)
        existing = current_files(dataset, batch.keys)
        fitting = without_conflicts(dataset, batch, existing)
        already = settled_rivals(bundle, batch, existing)
        new = [file for file in fitting if file.wish.key not in existing]
        if new and dataset.store != LOCAL:  # it was moved, or one was withdrawn, since they were handed over
            raise Busy("The dataset changed while a bundle was unpacked.")
        rows = _rows(bundle, dataset, batch, new, now)
        _say(bundle, batch, [*rows, *already])
        if corrupt := [row for row in rows if row.state == State.CORRUPT]:
            tell_corrupt(dataset, corrupt, now=now)
    placed = {row.path for row in rows if row.state == State.VERIFIED}
    for file in batch.files:
        if file.wish.path not in placed:
            store().delete(file.key)


def _rows(bundle: Bundle, dataset: Dataset, batch: Batch, files: list[Unpacked], now: datetime) -> list[DataFile]:
    """Lets files of new names take their places, and inserts a row for each."""
    change = Change()
    good = [file for file in files if not _difference(file)]
    set_aside(dataset, [file.wish.key for file in good])
    failures = store().place([Placement(file.key, f"{dataset_key(dataset)}/{file.wish.path}") for file in good])
    for failure in failures.values():
        if not isinstance(failure, NotStored | PathTaken):
            raise failure
    rows = []
    for file in files:
        reason = _difference(file) or str(failures.get(file.key, ""))
        rows.append(_row(bundle, dataset, file, reason, now))
        _count(change, rows[-1])
        if reason:
            batch.refuse(file.wish.sent_path, file.wish.sha256, reason, state="corrupt")
    DataFile.objects.bulk_create(rows, batch_size=500)
    say_aside(dataset, [row.path_key for row in rows if row.state == State.VERIFIED])
    note_folders(dataset, [row.path for row in rows])
    if rows:
        apply_change(dataset.pk, change)
    tell_verified(dataset, [row for row in rows if row.state == State.VERIFIED])
    return rows


def _difference(file: Unpacked) -> str:
    if file.found.sha256 != file.wish.sha256:
        return (
            f"The stored bytes have the SHA-256 {file.found.sha256[:16]}…, the sender stated "
            f"{file.wish.sha256[:16]}…. Send the file again."
        )
    return ""


def _row(bundle: Bundle, dataset: Dataset, file: Unpacked, reason: str, now: datetime) -> DataFile:
    row = new_file(dataset, file.wish)
    row.received_at = bundle.received_at
    if reason:
        row.state, row.reason = State.CORRUPT, reason[:300]
    else:
        row.state, row.crc32, row.verified_at = State.VERIFIED, file.found.crc32, now
    return row


def _count(change: Change, row: DataFile) -> None:
    change.files += 1
    change.bytes_expected += row.size
    if row.state == State.VERIFIED:
        change.verified += 1
        change.bytes_verified += row.size
    else:
        change.corrupt += 1


def _say(bundle: Bundle, batch: Batch, rows: list[DataFile]) -> None:
    verified = [row for row in rows if row.state == State.VERIFIED]
    bundle.done_count = batch.end
    bundle.verified_count += len(verified)
    bundle.bytes_verified += sum(row.size for row in verified)
    bundle.bad = [*bundle.bad, *batch.bad]
    bundle.save(update_fields=["done_count", "verified_count", "bytes_verified", "bad"])


def _finish(bundle: Bundle) -> None:
    mine = Bundle.objects.waiting().filter(pk=bundle.pk, claimed_by=bundle.claimed_by)
    if not mine.update(state=Bundle.State.UNPACKED, claimed_by="", leased_until=None, reason=""):
        raise ClaimLost


@transaction.atomic
def _refuse(bundle: Bundle, reason: str, now: datetime) -> None:
    """What was unpacked before stays; the sender sends the other files one by one.

    A dataset that was closed meanwhile is open again: it would be released without them.
    """
    dataset = lock_dataset(bundle.dataset_id)
    mine = Bundle.objects.waiting().filter(pk=bundle.pk, claimed_by=bundle.claimed_by)
    if not mine.update(state=Bundle.State.REFUSED, reason=reason[:300], claimed_by="", leased_until=None):
        raise ClaimLost
    reopened = Dataset.objects.filter(pk=dataset.pk, state=Dataset.State.CLOSED)
    reopened.update(state=Dataset.State.OPEN, closed_at=None)
    tell_refused(bundle, dataset, reason, now=now)


def _put_off(bundle: Bundle, reason: str, now: datetime) -> None:
    """Passing trouble is no verdict: try again in a minute."""
    mine = Bundle.objects.waiting().filter(pk=bundle.pk, claimed_by=bundle.claimed_by)
    mine.update(not_before=now + _AGAIN_AFTER, claimed_by="", leased_until=None, reason=reason[:300])


def _corrupt_count(bundle: Bundle) -> int:
    return sum(bad["state"] == "corrupt" for bad in bundle.bad)
