"""Members of a bundle that go the way of files that were sent one by one.

A member with a new name takes its place in the folder of this machine while the dataset is locked. Where a file of
that name lies already, a rollback after that would leave other bytes under a row that says `verified`; and a copy to
another store takes too long for a lock. So such a member first becomes a received file of its own, in a transaction
before, and is then verified as any other.
"""

from datetime import datetime

from django.db import transaction

from dataplane.errors import Busy
from portal.counts import apply_change
from portal.models import DataFile
from portal.stores import LOCAL
from uploads.models import Bundle, Upload
from uploads.services.bundle_batch import Batch, Unpacked, is_here, require_claim, without_conflicts
from uploads.services.claims import LEASE, Clock
from uploads.services.file_wishes import current_files, note_folders
from uploads.services.stop import cancel_uploads
from uploads.services.verification import verify_batch
from uploads.services.versions import lock_dataset, new_file, supersede

State = DataFile.State


def hand_over_rivals(bundle: Bundle, batch: Batch, clock: Clock) -> None:
    """Make new versions of files that the dataset has with another content, and verify them; in a dataset that lies in
    another store than the folder of this machine, all files.

    Cost: one query when there are none. Raises ClaimLost.
    """
    existing = DataFile.objects.current().filter(dataset=bundle.dataset_id, path_key__in=batch.keys)
    if bundle.dataset.store != LOCAL or existing.exists():
        verify_batch(_hand_over(bundle, batch, clock()), clock=clock)


def settled_rivals(bundle: Bundle, batch: Batch, existing: dict[str, DataFile]) -> list[DataFile]:
    """Those of the batch that the dataset has as the sender stated them; those it has otherwise go to `batch.bad`.

    Raises Busy when one still waits for its verification.
    """
    told = {bad["path"] for bad in batch.bad}
    rivals = [file for file in batch.files if file.wish.key in existing and file.wish.sent_path not in told]
    for file in rivals:
        known = existing[file.wish.key]
        if known.state == State.CORRUPT and known.sha256 == file.wish.sha256:
            batch.refuse(file.wish.sent_path, file.wish.sha256, known.reason, state="corrupt")
        elif _is_newer(known, bundle, file):
            reason = "Another content was sent or announced later. Send the file again if that was not the last."
            batch.refuse(file.wish.sent_path, file.wish.sha256, reason, state="skipped")
        elif not is_here(file, existing):
            raise Busy("A file of a bundle is still being verified.")
    return [existing[file.wish.key] for file in rivals if is_here(file, existing)]


@transaction.atomic
def _hand_over(bundle: Bundle, batch: Batch, now: datetime) -> list[DataFile]:
    """The new versions, received and claimed."""
    dataset = lock_dataset(bundle.dataset_id)
    require_claim(bundle, batch, now)
    existing = current_files(dataset, batch.keys)
    files = [file for file in batch.files if _is_replaced(existing.get(file.wish.key), bundle, file)]
    older = [existing[file.wish.key] for file in files]
    if dataset.store != LOCAL:
        files += [file for file in without_conflicts(dataset, batch, existing) if file.wish.key not in existing]
    if not files:
        return []
    cancel_uploads(Upload.objects.filter(file__in=[file.pk for file in older]))
    change = supersede(older)
    rows = [new_file(dataset, file.wish) for file in files]
    for row, file in zip(rows, files, strict=True):
        row.state, row.received_key, row.received_at = State.RECEIVED, file.key, bundle.received_at
        row.claimed_by, row.leased_until, row.attempts = bundle.claimed_by, now + LEASE, 1
        change.files += 1
        change.received += 1
        change.bytes_expected += row.size
    DataFile.objects.bulk_create(rows, batch_size=500)
    note_folders(dataset, [row.path for row in rows])
    apply_change(dataset.pk, change)
    return rows


def _is_replaced(known: DataFile | None, bundle: Bundle, file: Unpacked) -> bool:
    """Not a file of another name that differs by case only, nor one that came later or is on its way to `verified`."""
    if known is None or known.path != file.wish.path or _is_newer(known, bundle, file):
        return False
    return known.sha256 != file.wish.sha256 or known.state in (State.EXPECTED, State.CORRUPT)


def _is_newer(known: DataFile, bundle: Bundle, file: Unpacked) -> bool:
    """Whether the sender spoke of another content after the bundle had arrived, as far as can be told."""
    if known.sha256 == file.wish.sha256:
        return False
    if known.state == State.EXPECTED:
        return bool(known.sha256) or known.size != file.wish.size
    return bool(known.received_at and bundle.received_at and known.received_at > bundle.received_at)
