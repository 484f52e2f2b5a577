"""The list that `sha256sum -c` checks: one line `<64 hex digits>  <path>` a file, computed, never stored.

A line's place follows from the lengths of the names before it, so any range of the text is had by arithmetic.
Held compactly: the names as one run of bytes, 32 bytes a digest, 8 bytes an offset.
"""

import re
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise

_SHA256 = re.compile("[0-9a-fA-F]{64}")
_BESIDES_NAME = 64 + 2 + 1  # the digest, two spaces, the line's end
_LINES_AT_ONCE = 4096


class Manifest:
    """Grows by `add`, in the order of its lines. `size` and `crc32` are those of the whole text so far."""

    def __init__(self) -> None:
        self._names = bytearray()
        self._name_ends = array("Q")
        self._digests = bytearray()
        self.crc32 = 0

    def __len__(self) -> int:
        return len(self._name_ends)

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return self._line_start(len(self))

    def add(self, names: Sequence[bytes], sha256s: Sequence[str]) -> None:
        """Appends lines. Raises ValueError for a digest that is not 64 hex digits."""
        if bad := next((sha256 for sha256 in sha256s if not _SHA256.fullmatch(sha256)), None):
            raise ValueError(f"{bad[:70]!a} is no SHA-256, which has 64 hex digits. Give verified files only.")
        ends = accumulate(map(len, names), initial=len(self._names))
        self._name_ends.extend(islice(ends, 1, None))
        self._names += b"".join(names)
        self._digests += bytes.fromhex("".join(sha256s))
        self.crc32 = zlib.crc32(self._lines(len(self) - len(names), len(self)), self.crc32)

    def name(self, index: int) -> bytes:
        return bytes(self._names[self.names_before(index) : self._name_ends[index]])

    def names_before(self, index: int) -> int:
        """Bytes of all names before the one at `index`."""
        return self._name_ends[index - 1] if index else 0

    def runs(self) -> tuple[bytes | bytearray, ...]:
        """What the text follows from, in three runs of bytes: where names end, names, digests."""
        return self._name_ends.tobytes(), self._names, self._digests

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The text's bytes from `start` to `stop`, in pieces of some hundred KiB."""
        line = bisect_right(range(len(self)), start, key=self._line_start) - 1 if start < stop else len(self)
        while line < len(self) and self._line_start(line) < stop:
            after = min(line + _LINES_AT_ONCE, len(self))
            text, text_start = self._lines(line, after), self._line_start(line)
            yield text[max(0, start - text_start) : stop - text_start]
            line = after

    def _line_start(self, line: int) -> int:
        return line * _BESIDES_NAME + self.names_before(line)

    def _lines(self, first: int, after: int) -> bytes:
        digests = self._digests[32 * first : 32 * after].hex("\n", 32).encode().split()
        starts = chain([self.names_before(first)], self._name_ends[first:after])
        names = (bytes(self._names[start:end]) for start, end in pairwise(starts))
        return b"".join(b"%b  %b\n" % line for line in zip(digests, names, strict=True))
