"""What an upload protocol needs of the application behind it, whichever protocol that is.

`dataplane.tus` speaks tus 1.0 to it; another protocol can stand beside that one, in front of the same application.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dataplane.receive import Body, Checksum


@dataclass(frozen=True)
class Creation:
    """A wish to upload `length` bytes, None when that is said later. `metadata_header` is told back as it was sent.

    `body_length` bytes come with the request, never more than `length`. A part is no file of its own: several of
    them are joined to one.
    """

    length: int | None
    metadata: Mapping[str, bytes]
    metadata_header: str
    body_length: int = 0
    checksum: Checksum | None = None
    is_part: bool = False


@dataclass(frozen=True)
class Joining:
    """A wish to make one upload of parts, in this order; the same part may come twice.

    `concat_header` is told back as it was sent.
    """

    part_ids: tuple[str, ...]
    metadata: Mapping[str, bytes]
    metadata_header: str
    concat_header: str


@dataclass(frozen=True)
class Piece:
    """`length` bytes for the place `offset`. `upload_length` ends a deferred length; `checksum` is of these bytes."""

    offset: int
    length: int
    upload_length: int | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True)
class UploadStatus:
    """`offset` counts durable bytes only, None while parts are still being joined; `length` is None while deferred.

    `expires_at` is None once the upload is complete.
    """

    id: str
    offset: int | None
    length: int | None
    metadata_header: str
    expires_at: datetime | None
    concat_header: str = ""


class UploadRefused(Exception):
    """A refusal with its HTTP status, a word for programs and a sentence; applications raise it too."""

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
    """Every method may raise UploadRefused or a DataplaneError.

    404 and 410 only for what is really gone; passing trouble is 503.
    """

    @property
    def max_size(self) -> int:
        """The largest upload, in bytes."""

    def create(self, creation: Creation, body: Body) -> UploadStatus:
        """Make an upload and take the bytes that came with it. A creation of length 0 is complete at once.

        When the bytes do not match their checksum (ChecksumMismatch) there is no upload.
        """

    def join(self, joining: Joining) -> UploadStatus:
        """Make an upload of complete parts of the same sender; they stay for a while and may be used again."""

    def look_up(self, upload_id: str) -> UploadStatus:
        """The true offset: a writer still at work is stopped and has drained."""

    def write(self, upload_id: str, piece: Piece, body: Body) -> UploadStatus:
        """Take the bytes of a piece.

        Nothing is touched when the true offset is another (409), the upload would grow too long (413) or was joined
        of parts (403); no byte is kept when the checksum does not match (ChecksumMismatch).
        """

    def terminate(self, upload_id: str) -> None:
        """Forget the upload and give its space back."""

    def address(self, upload_id: str) -> str:
        """The absolute URL of an upload."""
