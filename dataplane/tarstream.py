"""Many small files as one uncompressed tar, sent as it is read: its length follows from names and sizes alone.

Format: ustar, with a pax `path` record before a name that does not fit
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html). `dataplane.tarbundle` reads it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dataplane.filepieces import PIECE, OpenSource, source_bytes
from dataplane.tarbundle import BLOCK
from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import Opening, one_by_one

END = bytes(2 * BLOCK)
_NAME_ROOM = 100
_LATEST = 8**11 - 1  # seconds that fit into the header
_MODE_OWNER_GROUP = b"0000644\x000000000\x000000000\x00"
_BEHIND_KIND = bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\x000000000\x00" + bytes(167)


class TarMember(NamedTuple):
    """A whole file, and when it was modified (seconds since 1970)."""

    source: SourceSlice
    mtime: int


def tar_size(members: Sequence[TarMember]) -> int:
    """Bytes of the whole."""
    return sum(len(_heading(member)) + _padded(member.source.size) for member in members) + len(END)


def tar_bytes(
    members: Sequence[TarMember], open_source: OpenSource, piece: int = PIECE, opening: Opening = one_by_one
) -> Iterator[tuple[bytes, int]]:
    """The tar in pieces of about `piece` bytes, each with how many members are whole once it has gone.

    Raises SourceChanged, and what `open_source` and reading raise: then the tar ends in the middle of a member.
    """
    pending = bytearray()
    opened = opening((member.source for member in members), open_source)
    for number, (member, (_, open_it)) in enumerate(zip(members, opened, strict=True)):
        pending += _heading(member)
        for chunk in source_bytes(member.source, open_it, piece):
            pending += chunk
            if len(pending) >= piece:
                yield _taken(pending), number
        pending += bytes(-member.source.size % BLOCK)
    yield bytes(pending + END), len(members)


def _taken(pending: bytearray) -> bytes:
    content = bytes(pending)
    pending.clear()
    return content


def _heading(member: TarMember) -> bytes:
    path, name = member.source.path, member.source.path.encode()
    mtime = min(max(member.mtime, 0), _LATEST)
    if len(name) <= _NAME_ROOM and path.isascii():
        return _block(name, member.source.size, mtime)
    record = _path_record(name)
    shortened = path.encode("ascii", "replace")[-_NAME_ROOM:]
    long_name = _block(b"././@PaxHeader", len(record), 0, kind=b"x") + record + bytes(-len(record) % BLOCK)
    return long_name + _block(shortened, member.source.size, mtime)


def _path_record(name: bytes) -> bytes:
    """`LENGTH path=NAME` and a line end; LENGTH counts its own digits."""
    bare = len(b" path=\n") + len(name)
    length = bare + len(str(bare + len(str(bare))))
    return b"%d path=%b\n" % (length, name)


def _block(name: bytes, size: int, mtime: int, kind: bytes = b"0") -> bytes:
    before = name.ljust(_NAME_ROOM, b"\x00") + _MODE_OWNER_GROUP + b"%011o\x00%011o\x00" % (size, mtime)
    # The checksum is taken with eight blanks in its own place.
    checksum = sum(before) + 8 * ord(" ") + sum(kind) + sum(_BEHIND_KIND)
    return before + b"%06o\x00 " % checksum + kind + _BEHIND_KIND


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
