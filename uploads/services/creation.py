"""A new upload for one file of a dataset."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from dataplane.receive import Body, receive
from portal.counts import apply_change
from portal.models import DataFile, Dataset
from portal.storage import received_key, store
from uploads.access import Sender
from uploads.models import Upload, new_upload_id
from uploads.services.bell import ring_to_verify
from uploads.services.file_wishes import FileWish, note_folders
from uploads.services.receiving import receive_bytes
from uploads.services.room import require_disk_room, require_quota
from uploads.services.stop import cancel_uploads, staging_area
from uploads.services.versions import find_place, lock_dataset, take_place

AT_ONCE = 8 * 1024 * 1024  # bytes; a file that comes whole with its creation needs no record on the way
SMALL = 64 * 1024  # bytes; sooner taken than asked about


def create_upload(
    *,
    sender: Sender,
    dataset: Dataset,
    wish: FileWish,
    metadata_header: str,
    body: Body,
    body_length: int,
    now: datetime,
) -> Upload:
    """Make an upload and take the bytes that came along; an older unfinished one of the same file ends.

    Refusals come before the body is touched, unless it is small: DatasetClosed, Invalid, NoRoom. Cost of a small
    file that comes whole: six queries in one transaction, three more for a new name, and two flushes.
    """
    is_small = body_length == wish.size <= SMALL
    require_disk_room(wish.size, beside_others=not is_small)
    if not is_small:
        find_place(dataset, wish)
    upload = Upload(
        pk=new_upload_id(),
        dataset=dataset,
        sender=sender.key,
        length=wish.size,
        metadata_header=metadata_header,
        touched_at=now,
        expires_at=now + settings.UPLOAD_EXPIRY,
    )
    if body_length == wish.size <= AT_ONCE:
        _receive_at_once(upload, wish, body, now)
        return upload
    _record(upload, wish, received=False, now=now)
    if body_length:
        return receive_bytes(upload_id=upload.pk, offset=0, length=body_length, body=body)
    return upload


def _receive_at_once(upload: Upload, wish: FileWish, body: Body, now: datetime) -> None:
    """Bytes first, then one transaction: nobody knows of the upload until the answer, so nothing can be lost."""
    area, key = staging_area(), received_key(upload.pk)
    try:
        with area.open(upload.pk, recorded=0, fleeting=True) as writer:
            receive(body, writer, wish.size, record=lambda _: None, stop_requested=lambda: False)
        area.finish(upload.pk, store().path(key))
        upload.offset, upload.state = upload.length, Upload.State.FINISHED
        _record(upload, wish, received=True, now=now)
    except BaseException:
        area.remove(upload.pk)
        store().delete(key)
        raise


@transaction.atomic
def _record(upload: Upload, wish: FileWish, *, received: bool, now: datetime) -> None:
    dataset = lock_dataset(upload.dataset_id)
    file, change = take_place(find_place(dataset, wish))
    require_quota(dataset.project, change.bytes_expected)
    if file.pk:
        upload.brought_file = _replace_older(file)
    else:
        upload.brought_file = True
        note_folders(dataset, [file.path])
    if received:
        file.state, file.received_key, file.received_at = DataFile.State.RECEIVED, received_key(upload.pk), now
        change.received += 1
        ring_to_verify()
    file.save()
    upload.file = file
    upload.save(force_insert=True)
    apply_change(dataset.pk, change)


def _replace_older(file: DataFile) -> bool:
    """End unfinished uploads of the file; whether it was one of those that brought the file."""
    ended = cancel_uploads(Upload.objects.filter(file=file))
    return any(upload.brought_file for upload in ended)
