"""Taking bytes in: an upload is filled at its offset and handed over whole for verification.

The write path and its reasons stand in `dataplane.receive`. Two things are added here: the offset is recorded in
the database, and no database connection is held while a long body comes in.
"""

from datetime import datetime

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from dataplane.errors import DataplaneError, StagingShort
from dataplane.lock import WriterLock
from dataplane.receive import Body, receive
from dataplane.staging import StagingArea
from dataplane.upload_application import Piece
from portal.errors import Forbidden, Gone, TooLarge
from portal.storage import received_key, store
from uploads.errors import WrongOffset
from uploads.models import Upload
from uploads.services.current import REPLACED, current_upload, locked_upload
from uploads.services.finishing import finish_if_whole
from uploads.services.lengths import declare_length
from uploads.services.room import reserve_room
from uploads.services.stop import staging_area
from uploads.services.trouble import report_lost_bytes

log = structlog.get_logger(__name__)

_LONG_BODY = 4 * 1024 * 1024


def receive_bytes(*, upload_id: str, piece: Piece, body: Body) -> Upload:
    """Take the bytes of a piece; the upload as it stands then.

    An older request for this upload is stopped first. Raises WrongOffset, TooLarge, Forbidden and Invalid with nothing
    touched, NoRoom, Gone, the errors of `dataplane.receive`, and StagingShort after reporting it.
    """
    area = staging_area()
    with area.lock(upload_id) as lock:
        upload = locked_upload(lock, upload_id, now=timezone.now())
        if upload.state != Upload.State.RECEIVING:
            lock.discard()
        _refuse_wrong_range(upload, piece)
        if upload.state == Upload.State.RECEIVING:
            if piece.upload_length is not None:
                declare_length(upload, piece.upload_length)
            reserve_room(upload, piece.offset + piece.length)
            _fill(area, lock, upload, piece, body)
            finish_if_whole(area, lock, upload)
    return upload


def true_offset(*, upload_id: str) -> Upload:
    """The upload with the offset it really has: a writer still at work is stopped and has drained.

    Finishes an upload whose bytes are all there but whose server died before it said so. Whoever joins parts is not
    stopped: nobody could go on in his place any faster.
    """
    upload = current_upload(upload_id, now=timezone.now())
    if upload.state != Upload.State.RECEIVING or upload.role == Upload.Role.FINAL:
        return upload
    release_connection()
    area = staging_area()
    with area.lock(upload_id) as lock:
        upload = locked_upload(lock, upload_id, now=timezone.now())
        if upload.state == Upload.State.RECEIVING:
            _check(area, upload)
            finish_if_whole(area, lock, upload)
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


def _refuse_wrong_range(upload: Upload, piece: Piece) -> None:
    if upload.role == Upload.Role.FINAL:
        raise Forbidden("This upload was joined of parts and takes no bytes. Send them to a part.")
    if piece.offset != upload.offset:
        raise WrongOffset(f"The upload is at byte {upload.offset}, not {piece.offset}. Go on from there.")
    end, limit = piece.offset + piece.length, settings.MAX_FILE_BYTES if upload.length is None else upload.length
    if end > limit:
        raise TooLarge(f"The upload can have {limit} bytes; this would make {end}.")


def _fill(area: StagingArea, lock: WriterLock, upload: Upload, piece: Piece, body: Body) -> None:
    def record(durable: int) -> None:
        record_offset(upload, durable, timezone.now())

    try:
        writer = area.open(upload.pk, recorded=upload.offset)
    except StagingShort as error:
        report_lost_bytes(upload=upload, reason=str(error), now=timezone.now())
        raise
    with writer:
        if piece.length > _LONG_BODY:
            release_connection()
        receive(body, writer, piece.length, record=record, stop_requested=lock.stop_requested, checksum=piece.checksum)


def _check(area: StagingArea, upload: Upload) -> None:
    if upload.is_whole and store().path(received_key(upload.pk)).exists():
        return  # finished on disk; the server died before it told the database
    try:
        area.check(upload.pk, recorded=upload.offset)
    except StagingShort as error:
        report_lost_bytes(upload=upload, reason=str(error), now=timezone.now())
        raise


def record_offset(upload: Upload, durable: int, now: datetime) -> None:
    """Say that bytes are durable; raises Gone when the upload was replaced meanwhile."""
    upload.offset, upload.touched_at, upload.expires_at = durable, now, now + settings.UPLOAD_EXPIRY
    recorded = Upload.objects.receiving().filter(pk=upload.pk)
    if not recorded.update(offset=durable, touched_at=now, expires_at=upload.expires_at):
        raise Gone(REPLACED)
