"""One upload made of several parts, such as a client sends at the same time.

The parts' bytes are copied behind each other, by the kernel and without a copy where the file system can share blocks,
and the parts stay for an hour: a client may use them again, and a join whose server died is gone on with.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from dataplane.errors import Busy, DataplaneError, StagingShort
from dataplane.joining import Part, join_parts
from dataplane.lock import WriterLock
from dataplane.staging import StagingArea
from portal.errors import Gone, Invalid, NotFound
from uploads.models import Upload, UploadQuerySet
from uploads.services.current import locked_upload
from uploads.services.finishing import finish_if_whole
from uploads.services.receiving import record_offset, release_connection
from uploads.services.stop import staging_area
from uploads.services.trouble import report_lost_bytes

log = structlog.get_logger(__name__)

_KEPT_AFTERWARDS = timedelta(hours=1)


def complete_parts(own: UploadQuerySet, part_ids: Sequence[str]) -> list[Upload]:
    """In the order of the ids, the same one as often as it is named. Raises Invalid.

    `own` are the uploads of the sender: another's part is no part.
    """
    now = timezone.now()
    known = own.staged().filter(role=Upload.Role.PART, expires_at__gt=now).in_bulk(set(part_ids))
    missing = [part_id for part_id in part_ids if part_id not in known]
    if missing:
        raise Invalid(f"{missing[0][:40]!a} is no part of yours, or has expired. Upload it again.", parts=missing)
    unfinished = [part_id for part_id in part_ids if known[part_id].state != Upload.State.KEPT]
    if unfinished:
        raise Invalid(f"The part {unfinished[0]} is not complete. Send the rest of it first.", parts=unfinished)
    return [known[part_id] for part_id in part_ids]


def join_now(*, upload_id: str) -> Upload:
    """Copy what is not copied yet and hand the file over. Raises Busy while somebody does, Gone, DataplaneError."""
    area = staging_area()
    with area.lock_idle(upload_id) as lock:
        upload = locked_upload(lock, upload_id, now=timezone.now())
        if upload.state == Upload.State.RECEIVING:
            _copy_parts(area, lock, upload)
            finish_if_whole(area, lock, upload)
            _keep_an_hour(upload)
    return upload


def join_forgotten() -> None:
    """Go on where a server died in the middle of it."""
    for upload_id in Upload.objects.half_joined().values_list("pk", flat=True):
        try:
            join_now(upload_id=upload_id)
        except Busy:
            continue
        except (DataplaneError, Gone, NotFound) as error:
            log.warning("upload_not_joined", upload=upload_id, error=str(error))


def _copy_parts(area: StagingArea, lock: WriterLock, upload: Upload) -> None:
    if upload.is_whole:
        return
    lengths = dict(Upload.objects.filter(pk__in=set(upload.part_ids)).values_list("pk", "offset"))
    parts = [Part(area.path(part_id), lengths.get(part_id, 0)) for part_id in upload.part_ids]
    release_connection()
    try:
        with area.open(upload.pk, recorded=upload.offset) as writer:
            join_parts(
                parts,
                writer,
                record=lambda durable: record_offset(upload, durable, timezone.now()),
                stop_requested=lock.stop_requested,
            )
    except StagingShort as error:
        report_lost_bytes(upload=upload, reason=str(error), now=timezone.now())
        raise


def _keep_an_hour(upload: Upload) -> None:
    soon = timezone.now() + min(_KEPT_AFTERWARDS, settings.UPLOAD_EXPIRY)
    Upload.objects.filter(pk__in=set(upload.part_ids), state=Upload.State.KEPT).update(expires_at=soon)
