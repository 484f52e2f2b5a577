"""One file at the instrument: read once, hashed on the way, and watched for changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from labcourier_agent.exits import SourceChanged, SourceUnreadable

PIECE = 1024 * 1024
# Windows would change line ends without being told, and hand the file to programs started meanwhile.
READ_BYTES = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
# Windows: another program holds the file (ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION), so it is still being written.
HELD_BY_OTHERS = {32, 33}


class Signature(NamedTuple):
    """Tells versions of a file apart. `file_id` is the inode or file index, which a new mount may change."""

    size: int
    mtime_ns: int
    file_id: str

    @classmethod
    def of(cls, stat: os.stat_result) -> Self:
        return cls(stat.st_size, stat.st_mtime_ns, format(stat.st_ino, "x"))


class SourceFile:
    """A file opened for sending, expected to be the version `signature`.

    Errors of every method: SourceChanged when it is another version by now, SourceUnreadable.
    """

    def __init__(self, path: str, signature: Signature) -> None:
        self.path = path
        self.signature = signature
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._hasher: ThreadPoolExecutor | None = None
        self._hashing: Future[None] | None = None
        self._handle = self._open()

    @property
    def size(self) -> int:
        return self.signature.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._hasher is not None:
            self._hasher.shutdown()
        self._handle.close()

    def check_unchanged(self) -> None:
        """Name and open handle must both still be the expected version: files are replaced as well as written."""
        if look_at(self.path) != self.signature or Signature.of(os.fstat(self._handle.fileno())) != self.signature:
            raise SourceChanged(f"{self.path} changed while it was being sent.")

    def read_all(self) -> bytes:
        """The whole content, checked to be one version."""
        body = self._read(self.size) if self.size else b""
        self._hash.update(body)
        self._hashed = len(body)
        self.check_unchanged()
        return body

    def pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `offset` in pieces of at most 1 MiB, each hashed while its receiver is busy with it."""
        self._hash_up_to(offset)
        self._handle.seek(offset)
        end = offset + length
        while offset < end:
            piece = self._read(min(PIECE, end - offset))
            self._start_hashing(offset, piece)
            yield piece
            offset += len(piece)

    def sha256(self) -> str:
        """Hex digest of the whole file; what was not read for sending, as after a resumption, is read now."""
        self._hash_up_to(self.size)
        self.check_unchanged()
        return self._hash.hexdigest()

    def _hash_up_to(self, position: int) -> None:
        self._wait_for_hashing()
        if self._hashed < position:
            self._handle.seek(self._hashed)
        while self._hashed < position:
            piece = self._read(min(PIECE, position - self._hashed))
            self._hash.update(piece)
            self._hashed += len(piece)

    def _start_hashing(self, offset: int, piece: bytes) -> None:
        """Bytes that are sent a second time are not hashed a second time."""
        self._wait_for_hashing()
        fresh = memoryview(piece)[max(self._hashed - offset, 0) :]
        if self._hasher is None:
            self._hasher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha256")
        self._hashing = self._hasher.submit(self._hash.update, fresh)
        self._hashed += len(fresh)

    def _wait_for_hashing(self) -> None:
        if self._hashing is not None:
            self._hashing.result()
            self._hashing = None

    def _open(self) -> BinaryIO:
        if look_at(self.path) != self.signature:
            raise SourceChanged(f"{self.path} changed before it was sent.")
        try:
            return Path(self.path).open("rb")
        except OSError as error:
            raise _trouble(self.path, error) from error

    def _read(self, count: int) -> bytes:
        try:
            piece = self._handle.read(count)
        except OSError as error:
            raise _trouble(self.path, error) from error
        if not piece:
            raise SourceChanged(f"{self.path} became shorter while it was being sent.")
        return piece


def pieces_of(path: str, signature: Signature) -> Iterator[bytes]:
    """The content of a small file in pieces of at most 1 MiB; the last is only given when all was one version.

    Errors: SourceChanged, SourceUnreadable. Lean, because it is called for each of a hundred thousand files.
    """
    try:
        descriptor = os.open(path, READ_BYTES)
    except OSError as error:
        raise _trouble(path, error) from error
    try:
        left = signature.size
        _check_version(path, descriptor, signature)
        while left:
            piece = os.read(descriptor, min(left, PIECE))
            left -= len(piece)
            if not piece:
                raise SourceChanged(f"{path} became shorter while it was being sent.")
            if not left:
                _check_version(path, descriptor, signature)
            yield piece
    except OSError as error:
        raise _trouble(path, error) from error
    finally:
        os.close(descriptor)


def _check_version(path: str, descriptor: int, signature: Signature) -> None:
    if Signature.of(os.fstat(descriptor)) != signature:
        raise SourceChanged(f"{path} changed while it was being sent.")


def look_at(path: str) -> Signature:
    """The version that is at `path` now. Errors: SourceUnreadable."""
    try:
        return Signature.of(os.stat(path))  # noqa: PTH116 a Path for each of many files costs more than the look
    except OSError as error:
        raise _trouble(path, error) from error


def hash_file(path: str, signature: Signature) -> str:
    with SourceFile(path, signature) as source:
        return source.sha256()


def _trouble(path: str, error: OSError) -> SourceChanged | SourceUnreadable:
    if getattr(error, "winerror", None) in HELD_BY_OTHERS:
        return SourceChanged(f"{path} is held by the program that writes it.")
    gone = isinstance(error, FileNotFoundError | NotADirectoryError)
    sentence = f"{path} is no longer there." if gone else f"{path} cannot be read: {error.strerror or error}."
    return SourceUnreadable(sentence, gone=gone)
