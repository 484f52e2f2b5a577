"""Reading a bundle as it comes: a plain tar of files whose names and sizes are known beforehand.

Format: docs/design/bundles.md, and https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from labcourier_agent.exits import Busy

BLOCK = 512
LONGEST_RECORD = 64 * 1024
PATH_RECORD = re.compile(rb"[0-9]+ path=(.*)\n", re.DOTALL)


class Unbundler:
    """Used by one thread. Errors of every method: Busy when the tar ends in the middle, or is none."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")
        self._left = 0  # of the member that was announced, with its padding
        self._content_left = 0

    def members(self) -> Iterator[tuple[str, int]]:
        """Name and size of one after the other; between two of them its content can be had by `content`."""
        while True:
            self._skip(self._left)
            block = self._exactly(BLOCK)
            if not any(block[:100]):
                return
            name, size = None, _size(block)
            if block[156:157] == b"x":
                name = self._long_name(size)
                block = self._exactly(BLOCK)
                size = _size(block)
            self._content_left, self._left = size, -(-size // BLOCK) * BLOCK
            yield (name or block[:100].rstrip(b"\0")).decode(), size

    def content(self) -> Iterator[bytes | memoryview]:
        """Of the member that was announced last. A piece is good until the next one is asked for."""
        while self._content_left:
            piece = self._some(self._content_left)
            self._content_left -= len(piece)
            self._left -= len(piece)
            yield piece

    def _long_name(self, size: int) -> bytes:
        if size > LONGEST_RECORD:
            raise _no_tar()
        record = PATH_RECORD.fullmatch(self._exactly(size))
        self._skip(-size % BLOCK)
        if record is None:
            raise _no_tar()
        return record[1]

    def _skip(self, count: int) -> None:
        while count:
            count -= len(self._some(count))
        self._left = 0

    def _exactly(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            found += self._some(count - len(found))
        return bytes(found)

    def _some(self, most: int) -> memoryview:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                raise Busy("The portal ended a bundle in the middle.")
            self._held = memoryview(piece)
        part, self._held = self._held[:most], self._held[most:]
        return part


def _size(block: bytes) -> int:
    try:
        checksum, size = int(block[148:156].strip(b" \0"), 8), int(block[124:136].strip(b" \0"), 8)
    except ValueError as error:
        raise _no_tar() from error
    if checksum != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise _no_tar()
    return size


def _no_tar() -> Busy:
    return Busy("The portal sent something else than a bundle.")
