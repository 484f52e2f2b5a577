"""The requests and answers of tus 1.0, and which answer each trouble gets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime

from dataplane.errors import (
    BodyCut,
    Busy,
    ChecksumMismatch,
    DataplaneError,
    NoRoom,
    PathRefused,
    PathTaken,
    StagingMissing,
    StagingShort,
    SyncFailed,
    TakenOver,
)
from dataplane.receive import Body
from dataplane.upload_application import UploadRefused, UploadStatus

VERSION = "1.0.0"

# A broken line is passing trouble: clients that get a 4xx give up, so who still listens is asked to resume.
_STATUS_OF: dict[type[DataplaneError], tuple[int, str]] = {
    Busy: (423, "busy"),
    TakenOver: (423, "busy"),
    BodyCut: (503, "body_cut"),
    ChecksumMismatch: (460, "checksum_mismatch"),
    NoRoom: (507, "no_room"),
    SyncFailed: (503, "try_later"),
    StagingMissing: (503, "try_later"),
    StagingShort: (410, "bytes_lost"),
    PathRefused: (422, "invalid"),
    PathTaken: (422, "invalid"),
}


@dataclass(frozen=True)
class TusRequest:
    """`headers` by lower-case name; `upload_id` is None at the creation address."""

    method: str
    headers: Mapping[str, str]
    upload_id: str | None
    body: Body


@dataclass(frozen=True)
class TusResponse:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def refused(refusal: UploadRefused) -> TusResponse:
    """The answer for a refusal; a gate uses it too for what it refuses before the protocol is asked."""
    headers = {"Tus-Resumable": VERSION, "Cache-Control": "no-store", "Content-Type": "application/json"}
    if refusal.status in (423, 503):
        headers["Retry-After"] = "2"
    body = json.dumps({"code": refusal.code, "message": refusal.message, "detail": refusal.detail})
    return TusResponse(refusal.status, {**headers, **refusal.headers}, body.encode())


def as_refusal(error: DataplaneError) -> UploadRefused:
    status, code = _STATUS_OF.get(type(error), (503, "try_later"))
    return UploadRefused(status, code, str(error))


def succeeded(status: int, upload: UploadStatus, headers: Mapping[str, str] | None = None) -> TusResponse:
    """With the offset, unless parts are still being joined, and the expiry of an unfinished upload."""
    state = {"Tus-Resumable": VERSION}
    if upload.offset is not None:
        state["Upload-Offset"] = str(upload.offset)
    if upload.expires_at is not None and (upload.length is None or upload.offset != upload.length):
        state["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return TusResponse(status, {**state, **(headers or {})})
