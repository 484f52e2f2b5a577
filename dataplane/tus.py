"""The tus 1.0 resumable upload protocol, and nothing of what the uploads are for.

Source: https://tus.io/protocols/resumable-upload, version 1.0.0, with the extensions in `EXTENSIONS`. A request goes
in and a response comes out; the application stands behind `dataplane.upload_application`. Stricter than the
specification where that protects data: a PATCH without Content-Length is refused (411), as its end could not be told
from a broken line. Checksums in trailers are not offered.
"""

from collections.abc import Callable
from typing import ClassVar

from dataplane.errors import DataplaneError
from dataplane.receive import CHECKSUM_ALGORITHMS
from dataplane.tus_creation import OFFSET_TYPE, body_length, read_creation, refuse_excess, refuse_too_large
from dataplane.tus_headers import HeaderRefused, parse_checksum, whole_number
from dataplane.tus_messages import VERSION, TusRequest, TusResponse, as_refusal, refused, succeeded
from dataplane.upload_application import Joining, Piece, UploadApplication, UploadRefused

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "termination",
    "expiration",
    "checksum",
    "concatenation",
)


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
        except UploadRefused as refusal:
            response = refused(refusal)
        except HeaderRefused as error:
            response = refused(UploadRefused(400, "bad_header", str(error)))
        except DataplaneError as error:
            response = refused(as_refusal(error))
        return response

    def _dispatch(self, request: TusRequest) -> TusResponse:
        method = _method_of(request)
        if method == "OPTIONS":
            return self._options()
        if request.headers.get("tus-resumable") != VERSION:
            raise UploadRefused(
                412, "version", f"Send the header Tus-Resumable: {VERSION}.", headers={"Tus-Version": VERSION}
            )
        allowed = self._AT_COLLECTION if request.upload_id is None else self._AT_UPLOAD
        if method not in allowed:
            raise UploadRefused(
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
            "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
        }
        return TusResponse(204, headers)

    def _create(self, request: TusRequest) -> TusResponse:
        wish = read_creation(request.headers, self._application.max_size)
        if isinstance(wish, Joining):
            upload = self._application.join(wish)
        else:
            upload = self._application.create(wish, request.body)
        return succeeded(201, upload, {"Location": self._application.address(upload.id)})

    def _head(self, _request: TusRequest, upload_id: str) -> TusResponse:
        upload = self._application.look_up(upload_id)
        headers = {"Cache-Control": "no-store"}
        if upload.length is None:
            headers["Upload-Defer-Length"] = "1"
        else:
            headers["Upload-Length"] = str(upload.length)
        if upload.metadata_header:
            headers["Upload-Metadata"] = upload.metadata_header
        if upload.concat_header:
            headers["Upload-Concat"] = upload.concat_header
        return succeeded(200, upload, headers)

    def _patch(self, request: TusRequest, upload_id: str) -> TusResponse:
        if request.headers.get("content-type") != OFFSET_TYPE:
            raise UploadRefused(415, "content_type", f"PATCH must come with Content-Type: {OFFSET_TYPE}.")
        return succeeded(204, self._application.write(upload_id, self._piece(request), request.body))

    def _piece(self, request: TusRequest) -> Piece:
        headers = request.headers
        piece = Piece(
            whole_number(headers, "upload-offset"),
            body_length(headers, required=True),
            whole_number(headers, "upload-length") if "upload-length" in headers else None,
            parse_checksum(headers.get("upload-checksum")),
        )
        if piece.upload_length is not None:
            refuse_too_large(piece.upload_length, self._application.max_size)
            refuse_excess(piece.offset + piece.length, piece.upload_length)
        return piece

    def _delete(self, _request: TusRequest, upload_id: str) -> TusResponse:
        self._application.terminate(upload_id)
        return TusResponse(204, {"Tus-Resumable": VERSION})


def _method_of(request: TusRequest) -> str:
    """A POST may stand for a method that a proxy on its way does not let pass."""
    override = request.headers.get("x-http-method-override", "")
    return override.upper() if override and request.method == "POST" else request.method
