"""One process per dataset: a lock that the operating system gives back, however its holder ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcourier_agent.exits import AlreadyRunning
from labcourier_agent.settings import make_private
from labcourier_agent.system import lock_file


@contextmanager
def only_one(folder: Path, identity: str) -> Iterator[None]:
    """Errors: AlreadyRunning at once when another process holds it."""
    make_private(folder)
    with (folder / f"{identity[:32]}.lock").open("a+b") as file:
        try:
            lock_file(file.fileno())
        except OSError as error:
            raise AlreadyRunning("The same command is running already: let it finish, or stop it first.") from error
        yield
