"""Threads that each have a database connection, as the portal's processes do."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection, connections


@contextmanager
def shared_database(folder: Path) -> Iterator[None]:
    """SQLite's tests run in memory, which knows no waiting for locks: here in a file, as in the portal. For a test
    with ``transactional_db``; other databases stay as they are."""
    if connection.vendor != "sqlite":
        yield
        return
    in_memory, name = connections["default"], connection.settings_dict["NAME"]
    connection.ensure_connection()
    file = folder / "db.sqlite3"
    copy = sqlite3.connect(file)
    in_memory.connection.backup(copy)
    copy.close()
    in_memory.settings_dict["NAME"] = str(file)
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = in_memory
        in_memory.settings_dict["NAME"] = name


def database_url() -> str:
    """The database of this test, for the settings of a process of its own."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    who = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgres://{who}@{quote(database['HOST'], safe='')}{port}/{database['NAME']}"


def at_once(work: Callable[[], object], times: int) -> None:
    """Runs ``work`` in so many threads that start together; raises what any of them raised."""
    gate = threading.Barrier(times)

    def run() -> None:
        gate.wait()
        try:
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        for done in [pool.submit(run) for _ in range(times)]:
            done.result()
