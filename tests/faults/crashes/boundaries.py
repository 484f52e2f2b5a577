"""Every write, flush, rename and commit of this process, and what else is told to it; at the chosen one it is killed.

Each counts once, as a moment after which the disk, the database or the sender knows something else than before: a call
that fails or changes nothing is no boundary, and neither is a flush when the kernel survives.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from dataplane import unpacking
from tests.faults.crashes.power_loss import WorstCaseDisk

CALLS = (
    "open",
    "write",
    "pwrite",
    "ftruncate",
    "copy_file_range",
    "fdatasync",
    "fsync",
    "rename",
    "replace",
    "unlink",
    "mkdir",
)
WRITES = ("write", "pwrite")
FLUSHES = ("fdatasync", "fsync")
_CHANGES = ("INSERT", "UPDATE", "DELETE")


class Boundaries:
    """`install` changes this process for good: meant for one that is forked to die. `at` 0 lets it live.

    `disk`: told of each flush, for a loss of power; None when only the process dies.
    """

    def __init__(self, at: int, disk: WorstCaseDisk | None) -> None:
        self._at = at
        self._disk = disk
        self._changes = self._rows = 0
        self.passed: list[str] = []

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        if disk := self._disk:
            unpacking.sync_file_system = self._flushing_all(disk)  # type: ignore[assignment]
        commit: Any = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]
        execute: Any = CursorWrapper._execute  # type: ignore[attr-defined]

        def commit_watched(database: Any) -> Any:
            return self._changing("commit", database, lambda: commit(database))

        def execute_watched(cursor: Any, query: str, params: Any, *others: Any) -> Any:
            if not query.lstrip().startswith(_CHANGES):
                return execute(cursor, query, params, *others)

            def change() -> Any:
                result = execute(cursor, query, params, *others)
                self._rows += max(cursor.cursor.rowcount, 0)
                return result

            return change() if cursor.db.in_atomic_block else self._changing("autocommit", cursor.db, change)

        BaseDatabaseWrapper._commit = commit_watched  # type: ignore[attr-defined]
        CursorWrapper._execute = execute_watched  # type: ignore[attr-defined]

    def acknowledging(self) -> None:
        """To be told before the sender notes an acknowledgement."""
        self._pass("an acknowledgement")

    def ringing(self) -> None:
        """To be told before a worker is called."""
        self._pass("a bell")

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            if name in FLUSHES and self._disk is None:
                return real(*arguments, **options)
            if name == "open" and (not arguments[1] & os.O_CREAT or Path(arguments[0]).exists()):
                return real(*arguments, **options)
            self._pass(name)
            if name in WRITES:
                descriptor, data, *place = arguments
                self._pass(f"half a {name}", lambda: real(descriptor, data[: len(data) // 2], *place))
            try:
                result = real(*arguments, **options)
            except OSError:
                self.passed.pop()
                raise
            if name in FLUSHES and self._disk:
                self._disk.flushed(arguments[0])
            return result

        return watched

    def _flushing_all(self, disk: WorstCaseDisk) -> Callable[[Path], None]:
        real = unpacking.sync_file_system

        def watched(folder: Path) -> None:
            self._pass("syncfs")
            real(folder)
            disk.flushed_all()

        return watched

    def _changing(self, name: str, database: Any, call: Callable[[], Any]) -> Any:
        self._pass(name)
        result = call()
        changes = database.connection.total_changes if database.vendor == "sqlite" else self._rows
        if changes == self._changes:
            self.passed.pop()
        self._changes = changes
        return result

    def _pass(self, name: str, last_act: Callable[[], object] = lambda: None) -> None:
        self.passed.append(name)
        if len(self.passed) == self._at:
            last_act()
            os.kill(os.getpid(), signal.SIGKILL)
