"""What the agent has to remember: datasets begun here, and where each of their files stands. SQLite, WAL.

A kill at any moment leaves it readable. A power cut may take the last moments of file states with it, which costs
a question to the portal at the next start; the key of a new dataset is on the disk before the portal hears of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from labcourier_agent.exits import JournalTrouble
from labcourier_agent.journal_schema import bring_up_to_date
from labcourier_agent.plan import Plan
from labcourier_agent.settings import make_private

T = TypeVar("T")


@dataclass(frozen=True)
class DatasetRow:
    id: int
    client_key: str
    plan: Plan
    portal_id: str | None
    answer: dict[str, Any] | None
    begun_at: float
    closed_at: float | None
    ended_at: float | None


class Journal:
    """Thread-safe: one connection behind one lock. `path` empty: a passing journal in a temporary file of SQLite's.

    Errors of every method: JournalTrouble. What could not be noted is asked about again at the next start.
    """

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        self._path = path
        try:
            if path is not None:
                make_private(path.parent)
                path.touch(mode=0o600)
            self._connection = sqlite3.connect(path or "", timeout=30.0, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise JournalTrouble(path, error) from error

    def _prepare(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.create_function("nfc", 1, lambda path: unicodedata.normalize("NFC", path), deterministic=True)
        bring_up_to_date(self._connection)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        return self._attempt(lambda: self._connection.execute(statement, values).fetchall())

    def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self.transaction():
            self._attempt(lambda: self._connection.executemany(statement, rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. One within another is part of it."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def _attempt(self, work: Callable[[], T]) -> T:
        with self._lock:
            try:
                return work()
            except sqlite3.Error as error:
                raise JournalTrouble(self._path, error) from error

    def begin(self, plan: Plan) -> DatasetRow:
        """A new dataset with a new client key, safe on the disk when this returns."""
        (row,) = self.execute(
            "INSERT INTO datasets (identity, client_key, plan, begun_at) VALUES (?, ?, ?, ?) RETURNING *",
            (plan.identity(), str(uuid.uuid4()), json.dumps(asdict(plan)), time.time()),
        )
        self.execute("PRAGMA wal_checkpoint(FULL)")
        return _dataset(row)

    def latest(self, plan: Plan) -> DatasetRow | None:
        """The last dataset that was begun by the same command."""
        rows = self.execute("SELECT * FROM datasets WHERE identity = ? ORDER BY id DESC LIMIT 1", (plan.identity(),))
        return _dataset(rows[0]) if rows else None

    def datasets(self, limit: int) -> list[DatasetRow]:
        return [_dataset(row) for row in self.execute("SELECT * FROM datasets ORDER BY id DESC LIMIT ?", (limit,))]

    def under_way(self) -> list[DatasetRow]:
        return [_dataset(row) for row in self.execute("SELECT * FROM datasets WHERE ended_at IS NULL ORDER BY id")]

    def is_under_way(self, dataset: int) -> bool:
        return bool(self.execute("SELECT 1 FROM datasets WHERE id = ? AND ended_at IS NULL", (dataset,)))

    def forget(self, dataset: int) -> None:
        self.execute("DELETE FROM datasets WHERE id = ?", (dataset,))

    def note_answer(self, dataset: int, answer: dict[str, Any]) -> None:
        self.execute(
            "UPDATE datasets SET portal_id = ?, answer = ? WHERE id = ?",
            (str(answer["id"]), json.dumps(answer), dataset),
        )

    def answer(self, dataset: int) -> dict[str, Any] | None:
        """The portal's last word about it."""
        ((answer,),) = self.execute("SELECT answer FROM datasets WHERE id = ?", (dataset,))
        return dict(json.loads(answer)) if answer else None

    def note_closed(self, dataset: int) -> None:
        self.execute("UPDATE datasets SET closed_at = ? WHERE id = ?", (time.time(), dataset))

    def note_reopened(self, dataset: int) -> None:
        """The portal has it open again, as after it was restored from an older backup."""
        self.execute("UPDATE datasets SET closed_at = NULL, ended_at = NULL WHERE id = ?", (dataset,))

    def note_ended(self, dataset: int) -> None:
        self.execute("UPDATE datasets SET ended_at = ? WHERE id = ?", (time.time(), dataset))


def _dataset(row: sqlite3.Row) -> DatasetRow:
    return DatasetRow(
        id=row["id"],
        client_key=row["client_key"],
        plan=_plan(json.loads(row["plan"])),
        portal_id=row["portal_id"],
        answer=json.loads(row["answer"]) if row["answer"] else None,
        begun_at=row["begun_at"],
        closed_at=row["closed_at"],
        ended_at=row["ended_at"],
    )


def _plan(document: dict[str, Any]) -> Plan:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    return Plan(**values)
