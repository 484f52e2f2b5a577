"""Members of a bundle become plain files: written together, flushed together, read back one by one."""

import ctypes
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zlib_ng.zlib_ng import crc32

from dataplane.checksums import Digests, digest
from dataplane.errors import NoRoom, SyncFailed
from dataplane.folders import no_room

_PIECE = 1024 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class Piece(NamedTuple):
    """`size` bytes at `offset` of the bundle, to be written to `path` with the time of the source."""

    offset: int
    size: int
    mtime_ns: int | None
    path: str


def unpack(bundle: int, pieces: Sequence[Piece], *, below: Path) -> list[Digests]:
    """Write each piece of the file descriptor `bundle`, flush all of them at once, and digest what was stored.

    A flush of the whole file system costs about as much as one of a single file, so it is taken once for all of them;
    `below` is any folder on it. Memory: one piece of 1 MiB. Raises NoRoom, SyncFailed and OSError; what was written by
    then stays and is overwritten by the next try.
    """
    try:
        for piece in pieces:
            _write(bundle, piece)
        sync_file_system(below)
        return [_read_back(piece) for piece in pieces]
    except OSError as error:
        if no_room(error):
            raise NoRoom("The storage folder is full. Free space; unpacking goes on then.") from error
        raise


def sync_file_system(folder: Path) -> None:
    """Flush the file system that `folder` lies on, where the system can, else all of them. Raises SyncFailed."""
    flush = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if flush is None:
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if flush(descriptor):
            raise SyncFailed(f"The disk did not confirm the data: {os.strerror(ctypes.get_errno())}.")
    finally:
        os.close(descriptor)


def _write(bundle: int, piece: Piece) -> None:
    target = os.open(piece.path, _NEW, 0o644)
    try:
        position, end = piece.offset, piece.offset + piece.size
        while position < end:
            found = os.pread(bundle, min(_PIECE, end - position), position)
            if not found:
                break  # what is too short does not have the stated digest
            position += _write_all(target, found)
        if piece.mtime_ns is not None:
            os.utime(target, ns=(piece.mtime_ns, piece.mtime_ns))
    finally:
        os.close(target)


def _write_all(target: int, found: bytes) -> int:
    rest = memoryview(found)
    while rest:
        rest = rest[os.write(target, rest) :]
    return len(found)


def _read_back(piece: Piece) -> Digests:
    """Small files in one read: a buffer to read into costs as much as the digest of 4 KiB."""
    with open(piece.path, "rb", buffering=0) as stored:  # noqa: PTH123  (thousands a second)
        if piece.size > _PIECE:
            return digest(stored)
        found = stored.read(_PIECE + 1)
    return Digests(len(found), hashlib.sha256(found).hexdigest(), crc32(found))
