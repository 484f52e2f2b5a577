"""A new upload: for one file of a dataset, or for a part of one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from dataplane.errors import ChecksumMismatch
from dataplane.receive import Body, receive
from dataplane.upload_application import Creation, Joining, Piece
from portal.counts import apply_change
from portal.models import DataFile, Dataset, Project
from portal.storage import received_key, store
from uploads.access import Sender
from uploads.models import Upload, new_upload_id
from uploads.services.bell import ring_to_verify
from uploads.services.drops import require_drop_room
from uploads.services.file_wishes import FileWish, current_files, note_folders
from uploads.services.joining import join_now
from uploads.services.receiving import receive_bytes
from uploads.services.room import require_disk_room, require_quota
from uploads.services.stop import cancel_uploads, staging_area, terminate_upload
from uploads.services.versions import find_place, lock_dataset, take_place

AT_ONCE = 8 * 1024 * 1024  # bytes; a file that comes whole with its creation needs no record on the way
SMALL = 64 * 1024  # bytes; sooner taken than asked about


def create_upload(
    *, sender: Sender, dataset: Dataset, wish: FileWish, creation: Creation, body: Body, now: datetime
) -> Upload:
    """Make an upload and take the bytes that came along; an older unfinished one of the same file ends.

    While the length is not known the file has the size it was announced with, or none.
    Refusals come before the body is touched, unless it is small: DatasetClosed, Invalid, NoRoom. With a wrong
    checksum (ChecksumMismatch) there is no upload. Cost of a small file that comes whole: six queries in one
    transaction, three more for a new name, and two flushes.
    """
    comes_whole = creation.body_length == creation.length
    is_small = comes_whole and wish.size <= SMALL
    require_disk_room(wish.size, beside_others=not is_small)
    if creation.length is None:
        wish = _as_announced(dataset, wish)
    if not is_small:
        find_place(dataset, wish)
    upload = _new_upload(sender, creation.metadata_header, creation.length, now)
    upload.dataset = dataset
    if comes_whole and wish.size <= AT_ONCE:
        _receive_at_once(upload, wish, creation, body, now)
        return upload
    _record(upload, wish, received=False, now=now)
    return _take_along(upload, creation, body)


def create_part(*, sender: Sender, project: Project, creation: Creation, body: Body, now: datetime) -> Upload:
    """Make an upload that is joined with others later, and take the bytes that came along. Raises NoRoom.

    Its bytes count against the project's quota until then.
    """
    length = creation.length or 0
    require_disk_room(length)
    upload = _new_upload(sender, creation.metadata_header, creation.length, now)
    upload.role, upload.project, upload.reserved = Upload.Role.PART, project, length
    with transaction.atomic():
        require_quota(project, length)
        upload.save(force_insert=True)
    return _take_along(upload, creation, body)


def create_joined(
    *, sender: Sender, dataset: Dataset, wish: FileWish, joining: Joining, parts: Sequence[Upload], now: datetime
) -> Upload:
    """Make one upload of complete parts; `wish.size` is the sum of theirs. Raises DatasetClosed, Invalid, NoRoom."""
    require_disk_room(wish.size)
    upload = _new_upload(sender, joining.metadata_header, wish.size, now)
    upload.role, upload.dataset, upload.concat_header = Upload.Role.FINAL, dataset, joining.concat_header
    upload.part_ids = [part.pk for part in parts]
    _record(upload, wish, received=False, now=now)
    return join_now(upload_id=upload.pk)


def _new_upload(sender: Sender, metadata_header: str, length: int | None, now: datetime) -> Upload:
    return Upload(
        pk=new_upload_id(),
        sender=sender.key,
        length=length,
        metadata_header=metadata_header,
        touched_at=now,
        expires_at=now + settings.UPLOAD_EXPIRY,
    )


def _as_announced(dataset: Dataset, wish: FileWish) -> FileWish:
    file = current_files(dataset, [wish.key]).get(wish.key)
    awaited = file is not None and file.state in (DataFile.State.EXPECTED, DataFile.State.CORRUPT)
    return replace(wish, size=file.size) if file and awaited else wish


def _take_along(upload: Upload, creation: Creation, body: Body) -> Upload:
    """The bytes that came with the creation. Nobody knows the upload yet, so with damaged ones it ends."""
    if not creation.body_length and upload.length != 0:
        return upload
    try:
        piece = Piece(0, creation.body_length, checksum=creation.checksum)
        return receive_bytes(upload_id=upload.pk, piece=piece, body=body)
    except ChecksumMismatch:
        terminate_upload(upload_id=upload.pk)
        raise


def _receive_at_once(upload: Upload, wish: FileWish, creation: Creation, body: Body, now: datetime) -> None:
    """Bytes first, then one transaction: nobody knows of the upload until the answer, so nothing can be lost."""
    area, key = staging_area(), received_key(upload.pk)
    try:
        with area.open(upload.pk, recorded=0, fleeting=True) as writer:
            receive(
                body,
                writer,
                wish.size,
                record=lambda _: None,
                stop_requested=lambda: False,
                checksum=creation.checksum,
            )
        area.finish(upload.pk, store().path(key))
        upload.offset, upload.state = wish.size, Upload.State.FINISHED
        _record(upload, wish, received=True, now=now)
    except BaseException:
        area.remove(upload.pk)
        store().delete(key)
        raise


@transaction.atomic
def _record(upload: Upload, wish: FileWish, *, received: bool, now: datetime) -> None:
    if upload.dataset_id is None:
        raise AssertionError("only a file has a place in a dataset")
    dataset = lock_dataset(upload.dataset_id)
    file, change = take_place(find_place(dataset, wish))
    if upload.part_ids:
        _need_parts(upload)
    require_drop_room(dataset, change.bytes_expected)
    require_quota(dataset.project, change.bytes_added)
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


def _need_parts(upload: Upload) -> None:
    """From now on the file stands for their bytes; they stay until it is joined."""
    Upload.objects.filter(pk__in=set(upload.part_ids)).update(reserved=0, expires_at=upload.expires_at)
