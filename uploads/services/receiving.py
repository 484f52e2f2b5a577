"""Taking bytes in: an upload is filled at its offset and handed over whole for verification.

The write path and its reasons stand in `dataplane.receive`. Two things are added here: the offset is recorded in
the database, and no database connection is held while a long body comes in.
"""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from dataplane.errors import DataplaneError, StagingShort
from dataplane.lock import WriterLock
from dataplane.receive import Body, receive
from dataplane.staging import StagingArea
from portal.counts import Change, apply_change
from portal.errors import Gone, TooLarge
from portal.models import DataFile
from portal.storage import received_key, store
from uploads.errors import WrongOffset
from uploads.models import Upload
from uploads.services.bell import ring_to_verify
from uploads.services.current import REPLACED, current_upload
from uploads.services.stop import staging_area
from uploads.services.trouble import report_lost_bytes
from uploads.services.versions import lock_dataset

log = structlog.get_logger(__name__)

_LONG_BODY = 4 * 1024 * 1024


def receive_bytes(*, upload_id: str, offset: int, length: int, body: Body) -> Upload:
    """Take `length` bytes at `offset`; the upload as it stands then.

    An older request for this upload is stopped first. Raises WrongOffset and TooLarge with nothing touched, Gone,
    the errors of `dataplane.receive`, and StagingShort after reporting it.
    """
    area = staging_area()
    with area.lock(upload_id) as lock:
        upload = current_upload(upload_id, now=timezone.now())
        if upload.state == Upload.State.FINISHED:
            lock.discard()
        _refuse_wrong_range(upload, offset, length)
        if upload.state == Upload.State.RECEIVING:
            _fill(area, lock, upload, length, body)
            _finish_if_whole(area, lock, upload)
    return upload


def true_offset(*, upload_id: str) -> Upload:
    """The upload with the offset it really has: a writer still at work is stopped and has drained.

    Finishes an upload whose bytes are all there but whose server died before it said so.
    """
    upload = current_upload(upload_id, now=timezone.now())
    if upload.state == Upload.State.FINISHED:
        return upload
    release_connection()
    area = staging_area()
    with area.lock(upload_id) as lock:
        upload = current_upload(upload_id, now=timezone.now())
        if upload.state == Upload.State.RECEIVING:
            _check(area, upload)
            _finish_if_whole(area, lock, upload)
        else:
            lock.discard()
    return upload


def finish_forgotten() -> None:
    """Hand over uploads that are whole but whose server died just before."""
    for upload_id in Upload.objects.complete_but_unfinished().values_list("pk", flat=True):
        try:
            true_offset(upload_id=upload_id)
        except (DataplaneError, Gone) as error:
            log.warning("upload_not_finished", upload=upload_id, error=str(error))


def release_connection() -> None:
    """Give the database connection back before something long; the next query opens one again."""
    if not connection.in_atomic_block:
        connection.close()


def _refuse_wrong_range(upload: Upload, offset: int, length: int) -> None:
    if offset != upload.offset:
        raise WrongOffset(f"The upload is at byte {upload.offset}, not {offset}. Go on from there.")
    if offset + length > upload.length:
        raise TooLarge(f"The upload has {upload.length} bytes; this would make {offset + length}.")


def _fill(area: StagingArea, lock: WriterLock, upload: Upload, length: int, body: Body) -> None:
    def record(durable: int) -> None:
        _record_offset(upload, durable, timezone.now())

    try:
        writer = area.open(upload.pk, recorded=upload.offset)
    except StagingShort as error:
        report_lost_bytes(upload=upload, reason=str(error), now=timezone.now())
        raise
    with writer:
        if length > _LONG_BODY:
            release_connection()
        receive(body, writer, length, record=record, stop_requested=lock.stop_requested)


def _check(area: StagingArea, upload: Upload) -> None:
    if upload.offset == upload.length and store().path(received_key(upload.pk)).exists():
        return  # finished on disk; the server died before it told the database
    try:
        area.check(upload.pk, recorded=upload.offset)
    except StagingShort as error:
        report_lost_bytes(upload=upload, reason=str(error), now=timezone.now())
        raise


def _record_offset(upload: Upload, durable: int, now: datetime) -> None:
    upload.offset, upload.touched_at, upload.expires_at = durable, now, now + settings.UPLOAD_EXPIRY
    recorded = Upload.objects.receiving().filter(pk=upload.pk)
    if not recorded.update(offset=durable, touched_at=now, expires_at=upload.expires_at):
        raise Gone(REPLACED)


def _finish_if_whole(area: StagingArea, lock: WriterLock, upload: Upload) -> None:
    if upload.offset < upload.length:
        return
    key = received_key(upload.pk)
    area.finish(upload.pk, store().path(key))
    if not _hand_over(upload, key, timezone.now()):
        store().delete(key)
        raise Gone(REPLACED)
    upload.state = Upload.State.FINISHED
    lock.discard()


@transaction.atomic
def _hand_over(upload: Upload, key: str, now: datetime) -> bool:
    """False when the upload, or the version of the file it was for, was replaced meanwhile."""
    lock_dataset(upload.dataset_id)
    if not Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.FINISHED, touched_at=now):
        return False
    DataFile.objects.filter(uploads=upload).update(state=DataFile.State.RECEIVED, received_key=key, received_at=now)
    apply_change(upload.dataset_id, Change(received=1))
    ring_to_verify()
    return True
