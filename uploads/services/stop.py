"""Uploads that end without their file."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dataplane.errors import Busy
from dataplane.staging import StagingArea
from portal.counts import Change, apply_change
from portal.models import DataFile
from portal.storage import received_key, store
from uploads import events
from uploads.errors import AlreadyReceived
from uploads.models import Upload, UploadQuerySet
from uploads.services.current import locked_upload
from uploads.services.versions import bring_back, lock_dataset


def staging_area() -> StagingArea:
    area = StagingArea(settings.STAGING_ROOT)
    area.prepare()
    return area


def cancel_uploads(uploads: UploadQuerySet) -> list[Upload]:
    """Another upload or version takes the place of the unfinished ones, which are returned.

    A writer still at work finds out when it records. Cost: one query, two when there are any.
    """
    ended = list(uploads.receiving())
    if ended:
        ids = [upload.pk for upload in ended]
        Upload.objects.filter(pk__in=ids).update(state=Upload.State.CANCELLED)
        transaction.on_commit(lambda: _forget_bytes_of(ids))
    return ended


def terminate_upload(*, upload_id: str) -> None:
    """The sender gives it up: stop its writer, forget the bytes. Raises AlreadyReceived, Gone, Busy."""
    area = staging_area()
    with area.lock(upload_id) as lock:
        upload = locked_upload(lock, upload_id, now=timezone.now())
        if upload.state == Upload.State.FINISHED:
            lock.discard()
            raise AlreadyReceived("The file has arrived and stays. Send another version to replace it.")
        _end(Upload.objects.filter(pk=upload_id), Upload.State.CANCELLED)
        _forget_bytes(area, upload_id)
        lock.discard()


def expire_upload(*, upload: Upload, now: datetime) -> bool:
    """Forget an upload that is past its expiry; False when bytes came meanwhile, or come right now."""
    area = staging_area()
    try:
        lock = area.lock_idle(upload.pk)
    except Busy:
        return False
    with lock:
        with transaction.atomic():
            if not _end(Upload.objects.stale(now).filter(pk=upload.pk), Upload.State.EXPIRED):
                return False
            events.upload_expired(upload)
        _forget_bytes(area, upload.pk)
        lock.discard()
    return True


def remove_staged(upload_ids: list[str]) -> None:
    """Give space back where nobody writes; a later sweep finds the others."""
    _forget_where_nobody_writes(upload_ids, StagingArea.remove)


def _forget_bytes_of(ended_ids: list[str]) -> None:
    _forget_where_nobody_writes(ended_ids, _forget_bytes)


def _forget_where_nobody_writes(upload_ids: list[str], forget: Callable[[StagingArea, str], None]) -> None:
    area = staging_area()
    for upload_id in upload_ids:
        try:
            with area.lock_idle(upload_id) as lock:
                forget(area, upload_id)
                lock.discard()
        except Busy:
            continue


def _forget_bytes(area: StagingArea, upload_id: str) -> None:
    """Of an upload that ended without its file; hold the lock.

    They lie in staging, or whole behind it when the server died between moving them and saying so.
    """
    area.remove(upload_id)
    store().delete(received_key(upload_id))


@transaction.atomic
def _end(uploads: UploadQuerySet, state: Upload.State) -> bool:
    """Ends one unfinished upload or kept part, and takes back a file that only it brought, for the version before."""
    upload = uploads.staged().first()
    if upload is None:
        return False
    if upload.dataset_id:
        lock_dataset(upload.dataset_id)
    if not uploads.staged().update(state=state):
        return False
    if upload.brought_file and upload.file_id and upload.dataset_id:
        expected = DataFile.objects.filter(pk=upload.file_id, state=DataFile.State.EXPECTED)
        if file := expected.first():
            expected.delete()
            change = Change(files=-1, bytes_expected=-file.size)
            change += bring_back(upload.dataset_id, [file.path_key])
            apply_change(upload.dataset_id, change)
    return True
