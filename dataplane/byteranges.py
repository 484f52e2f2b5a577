"""The body of an answer that holds several ranges: `multipart/byteranges` (RFC 9110 section 14.6)."""

import secrets
from collections.abc import Sequence

from dataplane.spans import Span, bytes_in


class ByteRanges:
    """Frames `spans` of something that has `total` bytes and is of `part_type`. Its length is known beforehand.

    The boundary is drawn anew each time, so that no content can hold it on purpose.
    """

    def __init__(self, spans: Sequence[Span], total: int, part_type: str) -> None:
        self._spans, self._total, self._part_type = spans, total, part_type
        self._boundary = secrets.token_hex(16)

    @property
    def content_type(self) -> str:
        return f"multipart/byteranges; boundary={self._boundary}"

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return sum(len(self.before(span)) for span in self._spans) + bytes_in(self._spans) + len(self.end)

    def before(self, span: Span) -> bytes:
        """What goes before the bytes of `span`."""
        lines = (
            f"--{self._boundary}",
            f"Content-Type: {self._part_type}",
            f"Content-Range: {content_range(span, self._total)}",
        )
        return ("\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()

    @property
    def end(self) -> bytes:
        return f"\r\n--{self._boundary}--\r\n".encode()


def content_range(span: Span, total: int) -> str:
    return f"bytes {span[0]}-{span[1] - 1}/{total}"
