"""The creation request of tus 1.0: its lengths, its metadata, the bytes that come along, and parts to be joined."""

from collections.abc import Mapping

from dataplane.tus_headers import parse_checksum, parse_concat, parse_metadata, upload_length, whole_number
from dataplane.upload_application import Creation, Joining, UploadRefused

OFFSET_TYPE = "application/offset+octet-stream"


def read_creation(headers: Mapping[str, str], max_size: int) -> Creation | Joining:
    """What the client wants. Raises HeaderRefused and UploadRefused; the body is not touched."""
    metadata_header = headers.get("upload-metadata", "")
    part_ids = parse_concat(headers["upload-concat"]) if "upload-concat" in headers else ()
    if part_ids:
        _refuse_length_and_body(headers)
        return Joining(part_ids, parse_metadata(metadata_header), metadata_header, headers["upload-concat"])
    length = upload_length(headers)
    coming = body_length(headers, required=False)
    if coming and headers.get("content-type") != OFFSET_TYPE:
        raise UploadRefused(415, "content_type", f"A body must come with Content-Type: {OFFSET_TYPE}.")
    refuse_too_large(length or coming, max_size)
    if length is not None:
        refuse_excess(coming, length)
    return Creation(
        length,
        parse_metadata(metadata_header),
        metadata_header,
        coming,
        parse_checksum(headers.get("upload-checksum")) if coming else None,
        is_part="upload-concat" in headers,
    )


def body_length(headers: Mapping[str, str], *, required: bool) -> int:
    if "content-length" in headers:
        return whole_number(headers, "content-length")
    if required or "transfer-encoding" in headers:
        raise UploadRefused(411, "length_required", "Send a Content-Length, so that a broken line can be noticed.")
    return 0


def refuse_too_large(length: int, max_size: int) -> None:
    if length > max_size:
        raise UploadRefused(413, "too_large", f"Files can have at most {max_size} bytes here.")


def refuse_excess(end: int, length: int) -> None:
    if end > length:
        raise UploadRefused(413, "too_large", f"The upload has {length} bytes; this would make {end}.")


def _refuse_length_and_body(headers: Mapping[str, str]) -> None:
    for name in ("upload-length", "upload-defer-length"):
        if name in headers:
            raise UploadRefused(400, "bad_header", f"Leave {name} away: a final upload is as long as its parts.")
    if body_length(headers, required=False):
        raise UploadRefused(400, "bad_body", "A final upload is made of its parts. Send it without a body.")
