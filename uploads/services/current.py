"""An upload as it stands, or the reason why it is over."""

from datetime import datetime

from dataplane.lock import WriterLock
from portal.errors import Gone, NotFound
from uploads.models import Upload

REPLACED = "The upload was cancelled or replaced by a newer one. Create it again if needed."
_ENDED = {
    Upload.State.CANCELLED: REPLACED,
    Upload.State.EXPIRED: "The upload has expired. Create it again.",
    Upload.State.LOST: "The server has lost bytes of this upload and has told the operators. Create it again.",
}


def current_upload(upload_id: str, *, now: datetime) -> Upload:
    """Raises NotFound, or Gone for what ended without its file; expired ones are gone before any sweep."""
    upload = Upload.objects.select_related("dataset__project", "project", "file").filter(pk=upload_id).first()
    if upload is None:
        raise NotFound("There is no such upload. Create it again.")
    state = Upload.State(upload.state)
    if state in (Upload.State.RECEIVING, Upload.State.KEPT) and upload.expires_at <= now:
        state = Upload.State.EXPIRED
    if state in _ENDED:
        raise Gone(_ENDED[state], code="bytes_lost" if state == Upload.State.LOST else "gone")
    return upload


def locked_upload(lock: WriterLock, upload_id: str, *, now: datetime) -> Upload:
    """As `current_upload`, for whoever holds its lock: no lock file outlives an upload that is over."""
    try:
        return current_upload(upload_id, now=now)
    except (Gone, NotFound):
        lock.discard()
        raise
