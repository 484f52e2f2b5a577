"""SHA-256 and CRC-32 of a stream, in one pass over its bytes."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from zlib_ng.zlib_ng import crc32 as crc32_of

PIECE = 256 * 1024  # stays in a processor's cache between the two digests


class Reader(Protocol):
    """An unbuffered binary file does; 0 means the end."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


@dataclass(frozen=True)
class Digests:
    """`size` in bytes, `sha256` as 64 lower-case hex digits, `crc32` as zip stores it (unsigned)."""

    size: int
    sha256: str
    crc32: int


def digest(reader: Reader) -> Digests:
    """Read to the end and digest. Memory: one piece. Errors of the reader pass through."""
    piece = memoryview(bytearray(PIECE))
    size, sha256, crc32 = 0, hashlib.sha256(), 0
    while filled := _fill(reader, piece):
        part = piece[:filled]
        sha256.update(part)
        crc32 = crc32_of(part, crc32)
        size += filled
    return Digests(size, sha256.hexdigest(), crc32)


def _fill(reader: Reader, buffer: memoryview) -> int:
    filled = 0
    while filled < len(buffer):
        count = reader.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return filled
