"""The list that `sha256sum -c` checks: one line `<64 hex digits>  <path>` a file, computed, never stored.

A line's place follows from the lengths of the names before it, so any range of the text is had by arithmetic.
Held compactly: the names as one run of bytes, 32 bytes a digest, 8 bytes an offset.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

_BESIDES_NAME = 64 + 2 + 1  # the digest, two spaces, the line's end
_LINES_AT_ONCE = 4096


class Manifest:
    """The text over columns: where each name ends (`"Q"`), the names, the digests of 32 bytes."""

    def __init__(self, name_ends: memoryview, names: memoryview, digests: memoryview) -> None:
        self._name_ends, self._names, self._digests = name_ends, names, digests

    def __len__(self) -> int:
        return len(self._name_ends)

    @property
    def size(self) -> int:
        """Bytes of the text."""
        return self._line_start(len(self))

    def name(self, index: int) -> bytes:
        return bytes(self._names[self.names_before(index) : self._name_ends[index]])

    def sha256(self, index: int) -> bytes:
        """The 32 bytes."""
        return bytes(self._digests[32 * index : 32 * index + 32])

    def names_before(self, index: int) -> int:
        """Bytes of all names before the one at `index`."""
        return int(self._name_ends[index - 1]) if index else 0

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
        starts = chain([self.names_before(first)], self._name_ends[first:after])
        names = (bytes(self._names[start:end]) for start, end in pairwise(starts))
        return lines(names, bytes(self._digests[32 * first : 32 * after]))


def lines(names: Iterable[bytes], digests: bytes) -> bytes:
    """The lines of files with these names, and their digests of 32 bytes one after the other."""
    in_hex = digests.hex("\n", 32).encode().split()
    return b"".join(b"%b  %b\n" % line for line in zip(in_hex, names, strict=True))


def size_of(count: int, name_bytes: int) -> int:
    """Bytes of the text of `count` files with `name_bytes` bytes of names."""
    return count * _BESIDES_NAME + name_bytes
