"""What happens once all bytes of an upload are durable: files are verified, bundles unpacked, parts kept."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from dataplane.lock import WriterLock
from dataplane.staging import StagingArea
from portal.counts import Change, apply_change
from portal.errors import Gone
from portal.models import DataFile
from portal.storage import received_key, store
from uploads.models import Bundle, Upload
from uploads.services.bell import ring_to_verify
from uploads.services.current import REPLACED
from uploads.services.versions import lock_dataset


def finish_if_whole(area: StagingArea, lock: WriterLock, upload: Upload) -> None:
    """Nothing to do while bytes are missing or the length is not known. Hold the lock. Raises Gone when replaced."""
    if not upload.is_whole:
        return
    if upload.role == Upload.Role.PART:
        _keep_part(upload, timezone.now())
    elif upload.role == Upload.Role.BUNDLE:
        _move_and_hand_over(area, upload, _hand_over_bundle)
    else:
        _move_and_hand_over(area, upload, _hand_over_file)
    lock.discard()


HandOver = Callable[[Upload, str, datetime], bool]


def _move_and_hand_over(area: StagingArea, upload: Upload, hand_over: HandOver) -> None:
    """Bytes first, then the one transaction that says so."""
    key = received_key(upload.pk)
    area.finish(upload.pk, store().path(key))
    if not hand_over(upload, key, timezone.now()):
        store().delete(key)
        raise Gone(REPLACED)
    upload.state = Upload.State.FINISHED


@transaction.atomic
def _hand_over_file(upload: Upload, key: str, now: datetime) -> bool:
    """False when the upload, or the version of the file it was for, was replaced meanwhile."""
    if upload.dataset_id is None:
        return False
    lock_dataset(upload.dataset_id)
    if not Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.FINISHED, touched_at=now):
        return False
    DataFile.objects.filter(uploads=upload).update(state=DataFile.State.RECEIVED, received_key=key, received_at=now)
    apply_change(upload.dataset_id, Change(received=1))
    ring_to_verify()
    return True


@transaction.atomic
def _hand_over_bundle(upload: Upload, key: str, now: datetime) -> bool:
    """Let it be unpacked. False when the upload was ended meanwhile."""
    if upload.dataset_id is None:
        return False
    lock_dataset(upload.dataset_id)
    if not Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.FINISHED, touched_at=now):
        return False
    Bundle.objects.filter(pk=upload.pk).update(state=Bundle.State.RECEIVED, received_key=key, received_at=now)
    ring_to_verify()
    return True


def _keep_part(upload: Upload, now: datetime) -> None:
    if not Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.KEPT, touched_at=now):
        raise Gone(REPLACED)
    upload.state = Upload.State.KEPT
