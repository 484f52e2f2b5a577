"""Every write, flush, rename and commit of this process is counted; at the chosen one it is killed."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

CALLS = ("open", "pwrite", "ftruncate", "copy_file_range", "fdatasync", "fsync", "rename", "replace", "unlink", "mkdir")
_WRITES = ("INSERT", "UPDATE", "DELETE")


class Boundaries:
    """`install` changes this process for good: meant for one that is forked to die. `at` 0 lets it live."""

    def __init__(self, at: int, flushed: Callable[[int], None]) -> None:
        self._at = at
        self._flushed = flushed
        self.passed: list[str] = []

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]
        BaseDatabaseWrapper._commit = self._watched("commit", commit)  # type: ignore[attr-defined]
        execute: Any = SQLiteCursorWrapper.execute

        def execute_watched(cursor: Any, query: str, params: Any = None) -> Any:
            commits = not cursor.connection.in_transaction and query.lstrip().startswith(_WRITES)
            call = lambda: execute(cursor, query, params)  # noqa: E731
            return self._around("autocommit", call) if commits else call()  # type: ignore[no-untyped-call]

        SQLiteCursorWrapper.execute = execute_watched  # type: ignore[method-assign,assignment]

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & os.O_CREAT:
                return real(*arguments, **options)
            if name == "pwrite":
                self._pass(
                    "half a pwrite", lambda: real(arguments[0], arguments[1][: len(arguments[1]) // 2], arguments[2])
                )
            result = self._around(name, lambda: real(*arguments, **options))
            if name in ("fsync", "fdatasync"):
                self._flushed(arguments[0])
                self._pass(f"noted {name}")
            return result

        return watched

    def _around(self, name: str, call: Callable[[], Any]) -> Any:
        self._pass(f"before {name}")
        result = call()
        self._pass(f"after {name}")
        return result

    def _pass(self, name: str, last_act: Callable[[], object] = lambda: None) -> None:
        self.passed.append(name)
        if len(self.passed) == self._at:
            last_act()
            os.kill(os.getpid(), signal.SIGKILL)
