"""A length that the client says only after it has begun to send."""

from django.db import transaction

from portal.counts import Change, apply_change
from portal.errors import Invalid
from portal.models import DataFile
from uploads.models import Upload
from uploads.services.room import require_disk_room, require_quota
from uploads.services.versions import lock_dataset


def declare_length(upload: Upload, length: int) -> None:
    """Set it, once: the file gets its size, and the quota counts the file instead of what had come so far.

    Hold the upload's lock. Raises Invalid for another length than the known or announced one, NoRoom.
    """
    if upload.length is not None:
        if length != upload.length:
            raise Invalid(f"The upload has {upload.length} bytes, and that can no longer be changed to {length}.")
        return
    require_disk_room(length - upload.offset)
    reserved = length if upload.role == Upload.Role.PART else 0
    with transaction.atomic():
        require_quota(upload.own_project, _grow_file(upload, length) + reserved - upload.reserved)
        upload.length, upload.reserved = length, reserved
        upload.save(update_fields=["length", "reserved"])


def _grow_file(upload: Upload, length: int) -> int:
    """Bytes that the dataset now expects in addition."""
    if upload.dataset_id is None or upload.file_id is None:
        return 0
    lock_dataset(upload.dataset_id)
    file = DataFile.objects.get(pk=upload.file_id)
    if file.size == length:
        return 0
    if not Upload.objects.filter(pk=upload.pk, brought_file=True).exists():
        raise Invalid(f"The file was announced with {file.size} bytes, not {length}. Announce the new size first.")
    added = length - file.size
    DataFile.objects.filter(pk=file.pk).update(size=length)
    apply_change(upload.dataset_id, Change(bytes_expected=added))
    return added
