"""What a tus client says of its file in `Upload-Metadata`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from portal.errors import Invalid
from uploads.services.bundles import BundleWish
from uploads.services.file_wishes import RawWish

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_NANOSECONDS = re.compile(r"-?[0-9]{1,19}")  # this year has 19 digits
_COUNT = re.compile(r"[0-9]{1,15}")
_LATEST = 2**63 - 1  # what the database holds


@dataclass(frozen=True, slots=True)
class UploadMetadata:
    """`dataset_id` is None for generic clients, whose files go to the dataset of the day."""

    dataset_id: UUID | None
    wish: RawWish


def read_metadata(metadata: Mapping[str, bytes], length: int) -> UploadMetadata:
    """Raises Invalid for values that make no sense. The path is judged later, by whoever stores it."""
    texts = {key: _text(key, value) for key, value in metadata.items() if key in _KNOWN}
    return UploadMetadata(
        _dataset_id(texts.get("dataset", "")),
        RawWish(_path(texts), length, _mtime_ns(texts.get("mtime_ns", "")), _sha256(texts.get("sha256", ""))),
    )


def read_bundle(metadata: Mapping[str, bytes]) -> tuple[UUID, BundleWish] | None:
    """The dataset and what is said of the bundle, or None for an upload that is none. Raises Invalid."""
    texts = {key: _text(key, metadata.get(key, b"")) for key in ("kind", "dataset", "files", "manifest")}
    if texts["kind"] != "bundle":
        return None
    dataset_id = _dataset_id(texts["dataset"])
    if dataset_id is None:
        raise _refused("dataset", "is missing; a bundle belongs to one")
    return dataset_id, BundleWish(_count("files", texts["files"]), _count("manifest", texts["manifest"]))


def read_dataset_id(metadata: Mapping[str, bytes]) -> UUID | None:
    """Of a part, of which nothing else counts."""
    return _dataset_id(_text("dataset", metadata.get("dataset", b"")))


_KNOWN = frozenset({"dataset", "path", "relativePath", "filename", "sha256", "mtime_ns"})


def _text(key: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _refused(key, "is not UTF-8") from error


def _dataset_id(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise _refused("dataset", "is no dataset's id") from error


def _path(texts: Mapping[str, str]) -> str:
    """Browsers' upload libraries send the text "null" as relativePath of a file that is in no folder."""
    relative = texts.get("relativePath", "")
    return texts.get("path") or ("" if relative == "null" else relative) or texts.get("filename", "")


def _mtime_ns(text: str) -> int | None:
    if text and not (_NANOSECONDS.fullmatch(text) and abs(int(text)) <= _LATEST):
        raise _refused("mtime_ns", "is not a whole number of nanoseconds")
    return int(text) if text else None


def _sha256(text: str) -> str:
    if text and not _SHA256.fullmatch(text):
        raise _refused("sha256", "is not 64 hexadecimal digits")
    return text.lower()


def _count(key: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise _refused(key, "is not a whole number")
    return int(text)


def _refused(key: str, what: str) -> Invalid:
    message = f"Upload-Metadata: {key} {what}. Correct it and create the upload again."
    return Invalid(message, fields=[{"field": key, "message": what}])
