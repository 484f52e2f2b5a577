"""The folder that files are fetched into: unfinished ones beside their place, under a name of their own, until whole.

Nothing that lies there and is something else is replaced, unless that was asked for. What is shorter and has the same
beginning is a copy that was cut off: it is completed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path

from labcourier_agent.exits import AgentError, Exit
from labcourier_agent.fetching.fetch_journal import Row
from labcourier_agent.fetching.local_names import local_name
from labcourier_agent.names_windows import exact

PART = ".labcourier-part"
PIECE = 1024 * 1024


class LocalTrouble(AgentError):
    """One file cannot be written or read here; the others go on."""


class NoRoomHere(AgentError):
    exit_code = Exit.TRY_LATER


class OtherContent(AgentError):
    """Another file lies in its place."""

    exit_code = Exit.FINDINGS


class WrongBytes(AgentError):
    """What arrived is not what the portal verified."""

    exit_code = Exit.VERIFICATION_FAILED


class Seen(Enum):
    ABSENT = auto()
    OURS = auto()  # as we wrote or read it
    SAME_SIZE = auto()
    SHORTER = auto()
    LARGER = auto()


class Folder:
    """Thread-safe. Errors of every method: LocalTrouble, NoRoomHere."""

    def __init__(self, dest: Path, *, overwrite: bool) -> None:
        self.dest = dest
        self._root = Path(exact(str(dest)))
        self._overwrite = overwrite
        self._made: set[Path] = set()
        self._absent: dict[Path, bool] = {}

    def target(self, row: Row) -> Path:
        """Errors: Invalid."""
        return self._root.joinpath(*local_name(row.path).split("/"))

    def part(self, row: Row) -> Path:
        """Of this version: what lies there is the beginning of exactly these bytes."""
        return _part_beside(self.target(row), row)

    def look(self, row: Row) -> tuple[Seen, int]:
        """What is in its place before anything is fetched, and the bytes of it that need not be."""
        with local(row.path):
            target = self.target(row)
            if self._is_absent(target.parent):
                return Seen.ABSENT, 0
            stat = _stat(target)
            if stat is None:
                part = _stat(_part_beside(target, row))
                return Seen.ABSENT, min(part.st_size, row.size) if part else 0
            if row.mark and mark_of(stat) == row.mark:
                return Seen.OURS, row.size
            if stat.st_size == row.size:
                return Seen.SAME_SIZE, row.size
            return (Seen.SHORTER if stat.st_size < row.size else Seen.LARGER), 0

    def check(self, row: Row, stop: threading.Event) -> str | None:
        """The mark of the file in its place if it has the right bytes already, else None. Errors: OtherContent."""
        with local(row.path):
            target = self.target(row)
            before = _stat(target)
            if before is None:
                return None
            if digest_of(target, stop) == row.sha256:
                return mark_of(before)
            if not self._overwrite and mark_of(before) != row.mark:
                raise _other()
            return None

    def room(self) -> int:
        """Bytes that can still be written; the folder is made if need be."""
        with local(str(self.dest)):
            self._root.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self._root).free

    def write(self, row: Row, pieces: Iterable[bytes | memoryview]) -> str:
        """A small file, from its content, which is held whole. Its mark. Errors: WrongBytes, OtherContent."""
        content = b"".join(pieces)
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise WrongBytes(f"{row.path} arrived with other bytes than the portal verified.")
        with local(row.path):
            target = self.target(row)
            part = _part_beside(target, row)
            self._make_parent(target)
            mark = _write_whole(part, content, row.mtime_ns)
            there = _stat(target)
            if there and not self._may_go(row, there, part, target):
                part.unlink()
                raise _other()
            part.replace(target)
            return mark

    def begin(self, row: Row) -> bool:
        """Makes the unfinished file if there is none; True when it begins with what lies in its place."""
        with local(row.path):
            part, target = self.part(row), self.target(row)
            self._make_parent(part)
            stat = _stat(target)
            if part.exists():
                return False
            if stat is None or not 0 < stat.st_size < row.size or self._overwrite:
                part.touch()
                return False
            shutil.copyfile(target, part)
            return True

    def place(self, row: Row) -> str:
        """The whole file goes where it belongs. Its mark. Errors: OtherContent."""
        with local(row.path):
            part, target = self.part(row), self.target(row)
            there = _stat(target)
            if there and not self._may_go(row, there, part, target):
                part.unlink()
                raise _other()
            if row.mtime_ns is not None:
                os.utime(part, ns=(row.mtime_ns, row.mtime_ns))
            part.replace(target)
            return mark_of(target.stat())

    def discard(self, row: Row) -> None:
        """What was fetched of it is of no use."""
        with local(row.path):
            self.part(row).unlink(missing_ok=True)

    def _is_absent(self, parent: Path) -> bool:
        """Known for as long as nothing was made here: files by the hundred thousand come into few folders."""
        if parent not in self._absent:
            self._absent[parent] = not parent.exists()
        return self._absent[parent]

    def _may_go(self, row: Row, there: os.stat_result, part: Path, target: Path) -> bool:
        """Whether what lies in the place of a file that is whole in `part` is of no use any more."""
        return self._overwrite or mark_of(there) == row.mark or begins_with(part, target)

    def _make_parent(self, path: Path) -> None:
        """Sets may be added to by several threads; whoever comes second makes a folder that is there."""
        if (parent := path.parent) not in self._made:
            parent.mkdir(parents=True, exist_ok=True)
            self._made.add(parent)


def _part_beside(target: Path, row: Row) -> Path:
    key = hashlib.sha256(f"{row.sha256}{row.path}".encode()).hexdigest()[:20]
    return target.with_name(f".{key}{PART}")


def _write_whole(part: Path, content: bytes, mtime_ns: int | None) -> str:
    """The mark of the file. By calls of the system alone: there may be a hundred thousand of them."""
    out = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        written = memoryview(content)
        while written:
            written = written[os.write(out, written) :]
        if mtime_ns is not None and os.utime in os.supports_fd:
            os.utime(out, ns=(mtime_ns, mtime_ns))
        stat = os.fstat(out)
    finally:
        os.close(out)
    if mtime_ns is not None and os.utime not in os.supports_fd:
        os.utime(part, ns=(mtime_ns, mtime_ns))
        stat = part.stat()
    return mark_of(stat)


def mark_of(stat: os.stat_result) -> str:
    return f"{stat.st_size} {stat.st_mtime_ns}"


def digest_of(path: Path, stop: threading.Event) -> str:
    """SHA-256 in hex; "" when asked to stop."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            if stop.is_set():
                return ""
            digest.update(piece)
    return digest.hexdigest()


def begins_with(path: Path, shorter: Path) -> bool:
    with path.open("rb") as whole, shorter.open("rb") as beginning:
        while piece := beginning.read(PIECE):
            if whole.read(len(piece)) != piece:
                return False
    return True


@contextmanager
def local(what: str) -> Iterator[None]:
    """What the system says about files here as errors of ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoomHere(
                "The disk here is full: make room, then run the same command again. It goes on where it stopped."
            ) from error
        raise LocalTrouble(f"{what}: {error.strerror or error}.") from error


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _other() -> OtherContent:
    return OtherContent("Something else lies in its place here: move that away, or add --overwrite.")
