"""gunicorn's configuration on a storage that cannot be read for a while: as long as the named file lies in var/."""

import errno
import os
import pathlib
import sqlite3
from pathlib import Path
from typing import Any

from deploy.gunicorn_conf import *  # noqa: F403  (the portal's own, but for the fault)
from portal.config import load_config

VAR = load_config().var


def post_fork(_server: Any, _worker: Any) -> None:
    from django.db.backends.sqlite3.base import SQLiteCursorWrapper  # needs a Django that is set up

    stat, opened, execute = pathlib.Path.stat, os.open, SQLiteCursorWrapper.execute

    def refuse(path: object) -> None:
        if str(path).startswith(f"{VAR}/staging/") and ".locks" not in str(path) and (VAR / "no-staging").is_file():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def watched_stat(self: Path, **options: Any) -> os.stat_result:
        refuse(self)
        return stat(self, **options)

    def watched_open(path: Any, *arguments: Any, **options: Any) -> int:
        refuse(path)
        return opened(path, *arguments, **options)

    def watched_execute(self: Any, *arguments: Any, **options: Any) -> Any:
        if (VAR / "no-database").is_file():
            raise sqlite3.OperationalError("disk I/O error")
        return execute(self, *arguments, **options)

    pathlib.Path.stat = watched_stat  # type: ignore[method-assign]
    os.open = watched_open
    SQLiteCursorWrapper.execute = watched_execute  # type: ignore[method-assign]
