"""SHA-256 and CRC-32 in one pass, whatever the reader's habits."""

import hashlib
import io
import os
import zlib

import pytest

from dataplane.checksums import PIECE, Digests, digest


def expected(data: bytes) -> Digests:
    return Digests(len(data), hashlib.sha256(data).hexdigest(), zlib.crc32(data))


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, as pipes and network file systems do."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        part = self._stream.read(min(len(buffer), 300_000))
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 12345])
def test_digests_are_those_of_the_standard_library(size: int) -> None:
    data = os.urandom(size)
    assert digest(io.BytesIO(data)) == expected(data)


def test_short_reads_are_not_the_end() -> None:
    data = os.urandom(3 * PIECE + 5)
    assert digest(Trickle(data)) == expected(data)


def test_one_flipped_bit_changes_both() -> None:
    data = bytearray(2 * PIECE)
    whole = digest(io.BytesIO(data))
    data[PIECE + 3] ^= 1
    broken = digest(io.BytesIO(data))
    assert broken.sha256 != whole.sha256
    assert broken.crc32 != whole.crc32


def test_a_read_error_is_not_the_end() -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            if self.tell() >= PIECE:
                raise OSError(5, "Input/output error")
            return super().readinto(buffer)

    with pytest.raises(OSError, match="Input/output error"):
        digest(Broken(bytes(3 * PIECE)))
