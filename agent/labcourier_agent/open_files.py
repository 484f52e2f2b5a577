"""Whether another program has a file open for writing, where the system can tell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from labcourier_agent.system import is_held_by_others

PROCESSES = Path("/proc")


class OpenFiles:
    """As of the first question: made anew for each look.

    Linux lists what processes have open (those of other users only to root). Windows refuses to open a file that
    another program holds. Elsewhere nothing can be known, and no file counts as open.
    """

    def __init__(self, processes: Path = PROCESSES) -> None:
        self._processes = processes
        self._written: frozenset[str] | None = None

    def is_written(self, path: str) -> bool:
        if self._written is None:
            self._written = frozenset(_written(self._processes))
        return str(Path(path).resolve()) in self._written or is_held_by_others(path)


def _written(processes: Path) -> Iterator[str]:
    if not processes.is_dir():
        return
    for process in processes.iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            yield from _written_by(process)


def _written_by(process: Path) -> Iterator[str]:
    """Processes end, and those of other users keep to themselves: what cannot be read is not known."""
    try:
        for descriptor in (process / "fd").iterdir():
            try:
                target = str(descriptor.readlink())
                if target.startswith("/") and _is_for_writing(process / "fdinfo" / descriptor.name):
                    yield target
            except OSError:
                continue
    except OSError:
        return


def _is_for_writing(information: Path) -> bool:
    """The line `flags:` has the flags of open(2) in octal; the last two bits are how it was opened."""
    for line in information.read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8) & 0o3 != os.O_RDONLY
    return False
