"""The tus 1.0 resumable upload protocol, and nothing of what the uploads are for.

Source: https://tus.io/protocols/resumable-upload, version 1.0.0, with the extensions in `EXTENSIONS`. A
request goes in and a response comes out; the application stands behind `UploadApplication`, so another
protocol can be put in front of the same application. Stricter than the specification where that protects
data: a PATCH without Content-Length is refused (411), as its end could not be told from a broken line.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar, Protocol

from dataplane.errors import (
    BodyCut,
    Busy,
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
from dataplane.tus_headers import HeaderRefused, parse_metadata, whole_number

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "termination", "expiration")
OFFSET_TYPE = "application/offset+octet-stream"

# A broken line is passing trouble: clients that get a 4xx give up, so who still listens is asked to resume.
_STATUS_OF: dict[type[DataplaneError], tuple[int, str]] = {
    Busy: (423, "busy"),
    TakenOver: (423, "busy"),
    BodyCut: (503, "body_cut"),
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


@dataclass(frozen=True)
class Creation:
    """A wish to upload `length` bytes. `metadata` is decoded, `metadata_header` as it was sent.

    `body_length` bytes come with the request (creation-with-upload), never more than `length`.
    """

    length: int
    metadata: Mapping[str, bytes]
    metadata_header: str
    body_length: int


@dataclass(frozen=True)
class UploadStatus:
    """`offset` counts durable bytes only; `expires_at` is None once the upload is complete."""

    id: str
    offset: int
    length: int
    metadata_header: str
    expires_at: datetime | None


class TusRefused(Exception):
    """A refusal with its status, a word for programs and a sentence; applications raise it too."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers, self.detail = headers or {}, detail or {}


class UploadApplication(Protocol):
    """What the protocol needs of an application. Every method may raise TusRefused or a DataplaneError.

    404 and 410 only for what is really gone; passing trouble is 503.
    """

    @property
    def max_size(self) -> int:
        """The largest upload, in bytes."""

    def create(self, creation: Creation, body: Body) -> UploadStatus:
        """Make an upload and take the bytes that came with it. A creation of length 0 is complete at once."""

    def look_up(self, upload_id: str) -> UploadStatus:
        """The true offset: a writer still at work is stopped and has drained."""

    def write(self, upload_id: str, offset: int, length: int, body: Body) -> UploadStatus:
        """Take `length` bytes at `offset`.

        Nothing is touched when the true offset is another (409) or the upload would grow too long (413).
        """

    def terminate(self, upload_id: str) -> None:
        """Forget the upload and give its space back."""

    def address(self, upload_id: str) -> str:
        """The absolute URL of an upload."""


class TusProtocol:
    """One instance per application; it keeps no state of its own."""

    _AT_COLLECTION: ClassVar[tuple[str, ...]] = ("POST",)
    _AT_UPLOAD: ClassVar[tuple[str, ...]] = ("HEAD", "PATCH", "DELETE")

    def __init__(self, application: UploadApplication) -> None:
        self._application = application

    def answer(self, request: TusRequest) -> TusResponse:
        """Never raises for what a client can do wrong; every answer has the headers the protocol wants."""
        try:
            response = self._dispatch(request)
        except TusRefused as refusal:
            response = refused(refusal)
        except HeaderRefused as error:
            response = refused(TusRefused(400, "bad_header", str(error)))
        except DataplaneError as error:
            response = refused(_as_refusal(error))
        return response

    def _dispatch(self, request: TusRequest) -> TusResponse:
        method = _method_of(request)
        if method == "OPTIONS":
            return self._options()
        if request.headers.get("tus-resumable") != VERSION:
            raise TusRefused(
                412, "version", f"Send the header Tus-Resumable: {VERSION}.", headers={"Tus-Version": VERSION}
            )
        allowed = self._AT_COLLECTION if request.upload_id is None else self._AT_UPLOAD
        if method not in allowed:
            raise TusRefused(
                405,
                "method",
                f"Only {', '.join(allowed)} and OPTIONS work here.",
                headers={"Allow": ", ".join(allowed)},
            )
        if request.upload_id is None:
            return self._create(request)
        answers: dict[str, Callable[[TusRequest, str], TusResponse]] = {
            "HEAD": self._head,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        return answers[method](request, request.upload_id)

    def _options(self) -> TusResponse:
        headers = {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Max-Size": str(self._application.max_size),
        }
        return TusResponse(204, headers)

    def _create(self, request: TusRequest) -> TusResponse:
        creation = self._creation(request)
        upload = self._application.create(creation, request.body)
        headers = {"Location": self._application.address(upload.id), "Upload-Offset": str(upload.offset)}
        return _succeeded(201, upload, headers)

    def _creation(self, request: TusRequest) -> Creation:
        headers = request.headers
        for unknown in ("upload-concat", "upload-defer-length"):
            if unknown in headers:
                raise TusRefused(400, "not_offered", f"{unknown} is not offered here, see Tus-Extension.")
        length = whole_number(headers, "upload-length")
        if length > self._application.max_size:
            raise TusRefused(413, "too_large", f"Files can have at most {self._application.max_size} bytes here.")
        body_length = _body_length(headers, required=False)
        if body_length and headers.get("content-type") != OFFSET_TYPE:
            raise TusRefused(415, "content_type", f"A body must come with Content-Type: {OFFSET_TYPE}.")
        _refuse_excess(body_length, length)
        metadata_header = headers.get("upload-metadata", "")
        return Creation(length, parse_metadata(metadata_header), metadata_header, body_length)

    def _head(self, _request: TusRequest, upload_id: str) -> TusResponse:
        upload = self._application.look_up(upload_id)
        headers = {
            "Upload-Offset": str(upload.offset),
            "Upload-Length": str(upload.length),
            "Cache-Control": "no-store",
        }
        if upload.metadata_header:
            headers["Upload-Metadata"] = upload.metadata_header
        return _succeeded(200, upload, headers)

    def _patch(self, request: TusRequest, upload_id: str) -> TusResponse:
        if request.headers.get("content-type") != OFFSET_TYPE:
            raise TusRefused(415, "content_type", f"PATCH must come with Content-Type: {OFFSET_TYPE}.")
        offset = whole_number(request.headers, "upload-offset")
        length = _body_length(request.headers, required=True)
        upload = self._application.write(upload_id, offset, length, request.body)
        return _succeeded(204, upload, {"Upload-Offset": str(upload.offset)})

    def _delete(self, _request: TusRequest, upload_id: str) -> TusResponse:
        self._application.terminate(upload_id)
        return TusResponse(204, {"Tus-Resumable": VERSION})


def refused(refusal: TusRefused) -> TusResponse:
    """The answer for a refusal; a gate uses it too for what it refuses before the protocol is asked."""
    headers = {"Tus-Resumable": VERSION, "Cache-Control": "no-store", "Content-Type": "application/json"}
    if refusal.status in (423, 503):
        headers["Retry-After"] = "2"
    body = json.dumps({"code": refusal.code, "message": refusal.message, "detail": refusal.detail})
    return TusResponse(refusal.status, {**headers, **refusal.headers}, body.encode())


def _method_of(request: TusRequest) -> str:
    """A POST may stand for a method that a proxy on its way does not let pass."""
    override = request.headers.get("x-http-method-override", "")
    return override.upper() if override and request.method == "POST" else request.method


def _body_length(headers: Mapping[str, str], *, required: bool) -> int:
    if "content-length" in headers:
        return whole_number(headers, "content-length")
    if required or "transfer-encoding" in headers:
        raise TusRefused(411, "length_required", "Send a Content-Length, so that a broken line can be noticed.")
    return 0


def _refuse_excess(end: int, length: int) -> None:
    if end > length:
        raise TusRefused(413, "too_large", f"The upload has {length} bytes; this would make {end}.")


def _as_refusal(error: DataplaneError) -> TusRefused:
    status, code = _STATUS_OF.get(type(error), (503, "try_later"))
    return TusRefused(status, code, str(error))


def _succeeded(status: int, upload: UploadStatus, headers: Mapping[str, str]) -> TusResponse:
    expiry = {}
    if upload.expires_at is not None and upload.offset < upload.length:
        expiry["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return TusResponse(status, {"Tus-Resumable": VERSION, **headers, **expiry})
