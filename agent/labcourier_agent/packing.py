"""A bundle as bytes: a POSIX tar (ustar, pax `path` records for names that do not fit) whose last member is a manifest.

Its length follows from names and sizes alone, before any file is read; what is read later can only decide whether a
line of the manifest says a digest or 64 dashes. So any range of it can be made again after a cut line or a restart.
Format: docs/design/bundles.md, and https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from labcourier_agent.source import Signature

MANIFEST = ".labcourier-manifest"
BLOCK = 512
END = 2 * BLOCK
SKIPPED = "-" * 64
NAME_ROOM = 100
LATEST_MTIME = 8**11 - 1


class Member(NamedTuple):
    """`id` is that of the file in the journal; `sha256` is known once it was packed before."""

    id: int
    source: str
    path: str
    signature: Signature
    sha256: str | None = None


class Layout:
    """Where everything lies, in bytes.

    `starts[i]` is where the first block of member i begins, `manifest_at` that of the manifest, `length` the whole.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.starts: list[int] = []
        self._lines = [_line_end(member) for member in members]
        position = 0
        for member in members:
            self.starts.append(position)
            position += packed_size(member.path, member.signature.size)
        self.manifest_at = position
        self._manifest_size = sum(map(len, self._lines)) + len(SKIPPED) * len(members)
        self.length = position + BLOCK + padded(self._manifest_size) + END

    def member_at(self, position: int) -> int:
        """The member whose blocks hold the byte at `position`; the number of members for the manifest and beyond."""
        if position >= self.manifest_at:
            return len(self.members)
        return bisect_right(self.starts, position) - 1

    def manifest(self, digests: Sequence[str | None]) -> bytes:
        """The rest of the tar from `manifest_at` on."""
        lines = [(digest or SKIPPED).encode() + end for digest, end in zip(digests, self._lines, strict=True)]
        body = b"".join(lines)
        return b"".join([_block(MANIFEST.encode(), len(body), 0), body, padding(len(body)), bytes(END)])


def heading(member: Member) -> bytes:
    """What stands before a member's content."""
    name = member.path.encode()
    mtime = min(max(member.signature.mtime_ns // 1_000_000_000, 0), LATEST_MTIME)
    if _fits(name, member.path):
        return _block(name, member.signature.size, mtime)
    record = _pax_record(name)
    # Readers that know pax take the name from the record, the others see a shortened one.
    plain = member.path.encode("ascii", "replace")[-NAME_ROOM:]
    return b"".join(
        [
            _block(b"././@PaxHeader", len(record), 0, kind=b"x"),
            record,
            padding(len(record)),
            _block(plain, member.signature.size, mtime),
        ]
    )


def packed_size(path: str, size: int) -> int:
    """Bytes that a member of `size` bytes takes up, with what stands before it and its padding."""
    name = path.encode()
    extra = 0 if _fits(name, path) else BLOCK + padded(len(_pax_record(name)))
    return extra + BLOCK + padded(size)


def padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def _fits(name: bytes, path: str) -> bool:
    return len(name) <= NAME_ROOM and path.isascii()


def _line_end(member: Member) -> bytes:
    mtime_ns = member.signature.mtime_ns
    when = str(mtime_ns) if mtime_ns >= 0 else "-"
    return f" {member.signature.size} {when} {json.dumps(member.path, ensure_ascii=False)}\n".encode()


def _pax_record(name: bytes) -> bytes:
    """`LENGTH path=NAME` and a line end; LENGTH counts its own digits."""
    bare = len(b" path=\n") + len(name)
    length = bare + len(str(bare))
    length = bare + len(str(length))
    return b"%d path=%b\n" % (length, name)


# Fields of a header block after the name: mode, owner, group; then size, time, checksum, kind; then link, magic, names.
_RIGHTS = b"0000644\x000000000\x000000000\x00"
_TAIL = bytes(100) + b"ustar\x0000" + bytes(32) + bytes(32) + b"0000000\x000000000\x00" + bytes(167)
# The checksum is taken with eight blanks in its own place.
_CONSTANT_SUM = sum(_RIGHTS) + sum(_TAIL) + 8 * ord(" ")


def _block(name: bytes, size: int, mtime: int, kind: bytes = b"0") -> bytes:
    numbers = b"%011o\x00%011o\x00" % (size, mtime)
    checksum = sum(name) + sum(numbers) + kind[0] + _CONSTANT_SUM
    return b"%b%b%b%06o\x00 %b%b" % (name.ljust(NAME_ROOM, b"\x00"), _RIGHTS, numbers, checksum, kind, _TAIL)
