"""Whether another process is still alive, told exactly and at once by a lock that the kernel frees when it dies; and
how far each of its requests had come.

A process holds a `flock` on a file of its own, made when it first names itself. Its name starts with that of the
machine: of processes elsewhere nothing can be told, so they count as alive. The file is mapped into memory and has a
place for each request, two numbers that cost no system call to write and outlive whoever wrote them.
"""

import fcntl
import mmap
import os
import platform
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

MOST_PLACES = 4096  # requests of one process that are followed at a time

_NUMBERS = struct.Struct("@QQ")
_UNNAMED = ".new-"


class Progress(NamedTuple):
    """Bytes that certainly went out, and those that had gone out at most."""

    sent: int
    at_most: int


class Lifesigns:
    """The signs in one folder, of this machine alone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, Lock()
        self._machine = "".join(letter if letter.isalnum() else "-" for letter in platform.node())[:60]
        self._sign: _OwnSign | None = None

    def own(self) -> str:
        """The name of this process: the same at every call, another one in a child. Raises OSError."""
        return self._own().name

    def follow(self) -> "Place | None":
        """A place for one request of this process; None when there are too many. Raises OSError."""
        own = self._own()
        with self._lock:
            return Place(own, own.free.pop()) if own.free else None

    def is_alive(self, name: str) -> bool:
        if not name.startswith(f"{self._machine}."):
            return True
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: others may ask at the same time
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def progress(self, name: str, place: int) -> Progress | None:
        """What was noted last at a place of a process, be it alive or not; None when its file is gone."""
        try:
            with (self._folder / name).open("rb", buffering=0) as file:
                file.seek(place * _NUMBERS.size)
                return Progress(*_NUMBERS.unpack(file.read(_NUMBERS.size)))
        except FileNotFoundError:
            return None

    def dead(self) -> list[str]:
        """The processes that died and whose files are still here."""
        names = [path.name for path in self._folder.glob(f"{self._machine}.*")]
        return [name for name in names if not self.is_alive(name)]

    def remove(self, name: str) -> None:
        """Of a dead process, once nobody will ask how far it came."""
        (self._folder / name).unlink(missing_ok=True)

    def _own(self) -> "_OwnSign":
        with self._lock:
            if self._sign is None or self._sign.pid != os.getpid():
                self._sign = _OwnSign(self._folder, self._machine)
            return self._sign


class _OwnSign:
    """The lock is held as long as the process lives: nobody closes the descriptor."""

    def __init__(self, folder: Path, machine: str) -> None:
        self.pid = os.getpid()
        self.name = f"{machine}.{self.pid}-{secrets.token_hex(8)}"
        self.free = list(range(MOST_PLACES))[::-1]
        folder.mkdir(parents=True, exist_ok=True)
        unnamed = folder / f"{_UNNAMED}{self.name}"  # not to be taken for a dead one before it is locked
        with _kept_unless_it_fails(unnamed) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = MOST_PLACES * _NUMBERS.size
            os.posix_fallocate(descriptor, 0, size)  # a full disk is an error now, not a signal that ends us later
            self.numbers = memoryview(mmap.mmap(descriptor, size)).cast("Q")
            unnamed.rename(folder / self.name)


@contextmanager
def _kept_unless_it_fails(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise


class Place:
    """One request of this process."""

    def __init__(self, sign: _OwnSign, number: int) -> None:
        self._sign, self.number = sign, number
        self.note(0, 0)

    def note(self, sent: int, at_most: int) -> None:
        """In an order in which a process that dies between the two promises nothing that is not true."""
        self._sign.numbers[2 * self.number + 1] = at_most
        self._sign.numbers[2 * self.number] = sent

    def give_back(self) -> None:
        """The next request may have it."""
        self._sign.free.append(self.number)
