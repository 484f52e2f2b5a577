"""Whether another process is still alive, told exactly and at once by a lock that the kernel frees when it dies.

A process holds a `flock` on a file of its own, made when it first names itself. Its name starts with that of the
machine: of processes elsewhere nothing can be told, so they count as alive.
"""

import fcntl
import os
import platform
import secrets
from contextlib import suppress
from pathlib import Path
from threading import Lock


class Lifesigns:
    """The signs in one folder, of this machine alone."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, Lock()
        self._machine = "".join(letter if letter.isalnum() else "-" for letter in platform.node())[:60]
        self._own: tuple[int, str] | None = None

    def own(self) -> str:
        """The name of this process: the same at every call, another one in a child. Raises OSError."""
        with self._lock:
            if self._own is None or self._own[0] != os.getpid():
                self._own = os.getpid(), self._hold()
            return self._own[1]

    def is_alive(self, name: str) -> bool:
        if not name.startswith(f"{self._machine}."):
            return True
        try:
            descriptor = os.open(self._folder / name, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            with suppress(FileNotFoundError):
                (self._folder / name).unlink()
            return False
        finally:
            os.close(descriptor)

    def _hold(self) -> str:
        """The descriptor stays open as long as the process lives."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._machine}.{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return name
