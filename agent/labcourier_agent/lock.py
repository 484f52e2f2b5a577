"""One process per dataset: a lock that the operating system gives back, however its holder ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcourier_agent.exits import AlreadyRunning
from labcourier_agent.settings import make_private


@contextmanager
def only_one(folder: Path, identity: str) -> Iterator[None]:
    """Errors: AlreadyRunning at once when another process holds it."""
    make_private(folder)
    with (folder / f"{identity[:32]}.lock").open("a+b") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            raise AlreadyRunning("The same command is running already: let it finish, or stop it first.") from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
