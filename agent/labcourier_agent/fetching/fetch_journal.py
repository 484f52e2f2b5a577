"""What a fetch has to remember: which files the portal listed, and how far each is here. SQLite, one for each folder.

    listed ── present ──┐  (a file of that size is here: its digest is taken)
       └──── wanted ────┴── whole ── settled
                             verified  and surely on the disk, which a power cut cannot take back

It lies with the user's other journals, not in the folder, which may be on a share or a disk that is carried away.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from labcourier_agent.exits import Exit, JournalTrouble
from labcourier_agent.fetching.shared_portal import SharedFile
from labcourier_agent.settings import make_private

T = TypeVar("T")
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,              -- at the portal
    size INTEGER NOT NULL,
    mtime_ns INTEGER,
    sha256 TEXT NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'listed'
        CONSTRAINT state_is_known
        CHECK (state IN ('listed', 'present', 'wanted', 'taken', 'whole', 'settled', 'failed')),
    small INTEGER NOT NULL,             -- comes in bundles
    round INTEGER NOT NULL,             -- the listing it was seen in last
    mark TEXT NOT NULL DEFAULT '',      -- size and time of the file here when we wrote or read it
    told INTEGER NOT NULL DEFAULT 0,    -- the portal knows that it is verified
    exit_code INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_state ON files (state, small, path);
CREATE TABLE IF NOT EXISTS stretches (  -- of large files that are not whole yet: these bytes are surely on the disk
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    start INTEGER NOT NULL,
    stop INTEGER NOT NULL,
    PRIMARY KEY (path, sha256, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
"""
COLUMNS = "path, size, mtime_ns, sha256, address, mark, state"


@dataclass(frozen=True)
class Row:
    path: str
    size: int
    mtime_ns: int | None
    sha256: str
    address: str
    mark: str
    state: str


@dataclass(frozen=True)
class FetchFailure:
    path: str
    exit_code: Exit
    reason: str


class FetchJournal:
    """Thread-safe: one connection behind one lock. Errors of every method: JournalTrouble."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._path = path
        make_private(path.parent)
        self._connection = self._attempt(lambda: sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        self._attempt(lambda: self._connection.executescript(SCHEMA))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def remove(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def fact(self, name: str) -> str | None:
        rows = self._execute("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def note_fact(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def begin_round(self) -> int:
        """A new listing begins; its number. What an earlier process left half done is looked at again."""
        number = int(self.fact("round") or 0) + 1
        self.note_fact("round", str(number))
        self._execute("UPDATE files SET state = 'listed' WHERE state NOT IN ('listed', 'settled')")
        return number

    def note_listed(self, files: Iterable[SharedFile], number: int, threshold: int) -> None:
        """Another digest than before is another version: it is wanted anew."""
        self._many(
            "INSERT INTO files (path, size, mtime_ns, sha256, address, small, round) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
            " address = excluded.address, small = excluded.small, round = excluded.round,"
            " told = CASE sha256 WHEN excluded.sha256 THEN told ELSE 0 END,"
            " state = CASE sha256 WHEN excluded.sha256 THEN state ELSE 'listed' END, sha256 = excluded.sha256",
            [
                (file.path, file.size, file.mtime_ns, file.sha256, file.address, file.size <= threshold, number)
                for file in files
            ],
        )

    def end_round(self, number: int) -> None:
        """What was not listed is no concern of this command."""
        self._execute("DELETE FROM files WHERE round != ?", (number,))

    def rows(self, *states: str) -> Iterator[list[Row]]:
        """By path, 1000 at a time; whoever reads may change states meanwhile."""
        after = ""
        marks = ", ".join("?" * len(states))
        while True:
            page = self._rows(f"state IN ({marks}) AND path > ? ORDER BY path LIMIT 1000", (*states, after))
            if not page:
                return
            yield page
            after = page[-1].path

    def untold(self) -> list[Row]:
        return self._rows("state = 'settled' AND NOT told LIMIT 1000", ())

    def take(self, state: str, *, small: bool | None, most: int, most_bytes: int) -> list[Row]:
        """The next files by path in `state`, at least one if there is any; they are this caller's from now on."""
        sizes = (0, 1) if small is None else (int(small),)
        with self._lock:
            rows: list[Row] = []
            for kind in sizes:
                rows = rows or self._rows("state = ? AND small = ? ORDER BY path LIMIT ?", (state, kind, most))
            taken, weight = rows[:1], sum(row.size for row in rows[:1])
            for row in rows[1:]:
                weight += row.size
                if weight > most_bytes:
                    break
                taken.append(row)
            self.note("taken", taken)
            return taken

    def note(self, state: str, rows: Sequence[Row]) -> None:
        self._many("UPDATE files SET state = ? WHERE path = ?", [(state, row.path) for row in rows])

    def note_whole(self, state: str, rows: Sequence[tuple[Row, str]]) -> None:
        """With the mark of the file here."""
        self._many(
            "UPDATE files SET state = ?, mark = ? WHERE path = ?", [(state, mark, row.path) for row, mark in rows]
        )

    def note_single(self, rows: Sequence[Row]) -> None:
        """They are to be fetched by themselves."""
        self._many("UPDATE files SET state = 'wanted', small = 0 WHERE path = ?", [(row.path,) for row in rows])

    def note_failed(self, row: Row, exit_code: Exit, reason: str) -> None:
        self._execute(
            "UPDATE files SET state = 'failed', exit_code = ?, reason = ? WHERE path = ?",
            (int(exit_code), reason, row.path),
        )

    def note_told(self, rows: Sequence[Row]) -> None:
        self._many("UPDATE files SET told = 1 WHERE path = ?", [(row.path,) for row in rows])

    def settle(self) -> None:
        self._execute("UPDATE files SET state = 'settled' WHERE state = 'whole'")
        self._execute("DELETE FROM stretches WHERE path IN (SELECT path FROM files WHERE state = 'settled')")

    def count(self, *states: str) -> tuple[int, int]:
        """Files and bytes in these states; without any, of all."""
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        ((files, size),) = self._execute(f"SELECT count(*), coalesce(sum(size), 0) FROM files {where}", states)  # noqa: S608 placeholders
        return int(files), int(size)

    def count_told(self) -> int:
        ((files,),) = self._execute("SELECT count(*) FROM files WHERE told")
        return int(files)

    def failures(self, most: int) -> list[FetchFailure]:
        rows = self._execute(
            "SELECT path, exit_code, reason FROM files WHERE state = 'failed' ORDER BY path LIMIT ?", (most,)
        )
        return [FetchFailure(path, Exit(code), reason) for path, code, reason in rows]

    def exit_codes(self) -> list[Exit]:
        return [Exit(code) for (code,) in self._execute("SELECT DISTINCT exit_code FROM files WHERE state = 'failed'")]

    def stretches(self, row: Row) -> list[tuple[int, int]]:
        """From where up to where it is here, sorted; they may touch, or be empty. None: nothing was noted of it."""
        wanted = "SELECT start, stop FROM stretches WHERE path = ? AND sha256 = ? ORDER BY start"
        return [(start, stop) for start, stop in self._execute(wanted, (row.path, row.sha256))]

    def begin_stretches(self, row: Row, beginning: int) -> None:
        """Its first bytes are here, perhaps none, and nothing else."""
        self.forget_stretches(row)
        self.note_stretches(row, [(0, beginning)])

    def note_stretches(self, row: Row, stretches: Sequence[tuple[int, int]]) -> None:
        """They are here. One that was noted before may be longer now; it never becomes shorter."""
        self._many(
            "INSERT INTO stretches VALUES (?, ?, ?, ?)"
            " ON CONFLICT (path, sha256, start) DO UPDATE SET stop = max(stop, excluded.stop)",
            [(row.path, row.sha256, start, stop) for start, stop in stretches],
        )

    def forget_stretches(self, row: Row) -> None:
        self._execute("DELETE FROM stretches WHERE path = ? AND sha256 = ?", (row.path, row.sha256))

    def outdated_stretches(self) -> list[Row]:
        """Of files of which another version was listed: rows of the former one."""
        former = COLUMNS.replace("sha256", "stretches.sha256")
        joined = f"SELECT DISTINCT {former} FROM files JOIN stretches USING (path)"  # noqa: S608 ours
        return [Row(*row) for row in self._execute(f"{joined} WHERE stretches.sha256 != files.sha256")]

    def in_stretches(self) -> dict[tuple[str, str], int]:
        """How many bytes are here of each file, by path and SHA-256, that is fetched in stretches."""
        counted = "SELECT path, sha256, sum(stop - start) FROM stretches GROUP BY path, sha256"
        return {(path, sha256): int(size) for path, sha256, size in self._execute(counted)}

    def note_lines(self, lines: Iterable[tuple[str, str]]) -> None:
        """Names and digests for the manifest; later ones win."""
        self._many("INSERT OR REPLACE INTO lines VALUES (?, ?)", list(lines))

    def forget_lines(self) -> None:
        self._execute("DELETE FROM lines")

    def lines(self) -> Iterator[tuple[str, str]]:
        after = ""
        while page := self._execute("SELECT * FROM lines WHERE name > ? ORDER BY name LIMIT 1000", (after,)):
            yield from ((name, sha256) for name, sha256 in page)
            after = page[-1][0]

    def _rows(self, where: str, values: Sequence[Any]) -> list[Row]:
        return [Row(*row) for row in self._execute(f"SELECT {COLUMNS} FROM files WHERE {where}", values)]  # noqa: S608 ours

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._attempt(lambda: self._connection.execute(statement, values).fetchall())

    def _many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        def all_or_none() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

        if rows:
            self._attempt(all_or_none)

    def _attempt(self, work: Callable[[], T]) -> T:
        with self._lock:
            try:
                return work()
            except sqlite3.Error as error:
                raise JournalTrouble(self._path, error) from error
