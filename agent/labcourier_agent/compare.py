"""The command `compare`: files here against a dataset at the portal, by size and SHA-256.

Both lists go into one temporary database, so memory does not grow with the number of files. Names meet as the portal
tells them apart: Unicode NFC, upper and lower case alike.
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from labcourier_agent.exits import BadUsage, Exit, SourceTrouble
from labcourier_agent.portal_client import BATCH, PortalFile
from labcourier_agent.progress import LINE_EVERY, LOGGER, in_words
from labcourier_agent.scan import Found, LeftOut, look_through
from labcourier_agent.source import Signature, SourceFile

# A list of digests that lies beside the data, as in the portal's zip: it is about the dataset, not of it.
MANIFEST_NAME = "manifest-sha256.txt"
COLUMNS = (
    "result",
    "path",
    "size_here",
    "size_at_portal",
    "sha256_here",
    "sha256_at_portal",
    "state_at_portal",
    "note",
)
NOT_VERIFIED = {
    "expected": "announced, but not (wholly) at the portal",
    "received": "at the portal, but not verified yet",
    "corrupt": "the portal read back other bytes than were sent",
}


class Result(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    ONLY_AT_PORTAL = "only_at_portal"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Compared:
    """One file. Sizes in bytes; None for what is not there or was not looked at."""

    result: Result
    path: str
    size_here: int | None = None
    size_at_portal: int | None = None
    sha256_here: str | None = None
    sha256_at_portal: str | None = None
    state_at_portal: str | None = None
    note: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


class Tally:
    """What was found, and how far it is: a message every ten seconds."""

    def __init__(self) -> None:
        self.files: Counter[Result] = Counter()
        self.bytes_read = 0
        self.total = (0, 0)
        self._next = time.monotonic() + LINE_EVERY

    @property
    def exit_code(self) -> Exit:
        return Exit.OK if set(self.files) <= {Result.SAME} else Exit.FINDINGS

    def document(self) -> dict[str, int]:
        return {result.value: self.files[result] for result in Result}

    def note(self, compared: Compared) -> None:
        self.files[compared.result] += 1

    def note_read(self, count: int) -> None:
        self.bytes_read += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY
            files, size = self.total
            done = self.files.total()
            LOGGER.info(
                "%d of %d files compared, %s of %s read", done, files, in_words(self.bytes_read), in_words(size)
            )


def compare(
    sources: Sequence[str], pages: Iterator[list[PortalFile]], *, size_only: bool, tally: Tally
) -> Iterator[Compared]:
    """Files here in the order of their paths, then what is only at the portal. `pages` are the portal's files.

    Errors: NotFound, BadUsage when two files here would get one path, those of `pages`.
    """
    with closing(sqlite3.connect("")) as table:
        _prepare(table)
        unreadable = list(_fill_here(table, sources))
        for page in pages:
            table.executemany("INSERT OR REPLACE INTO there VALUES (?, ?, ?, ?, ?)", map(_there, page))
        tally.total = table.execute("SELECT count(*), coalesce(sum(size), 0) FROM here").fetchone()
        for compared in chain(unreadable, _rows(table, tally, size_only=size_only)):
            tally.note(compared)
            yield compared


def _prepare(table: sqlite3.Connection) -> None:
    # Nothing here outlives the command: no safety against a crash is paid for.
    table.execute("PRAGMA synchronous = OFF")
    table.execute(
        "CREATE TABLE here (path TEXT PRIMARY KEY, key TEXT, source TEXT, size INTEGER, mtime_ns INTEGER, file_id TEXT)"
        " WITHOUT ROWID"
    )
    table.execute("CREATE INDEX here_key ON here (key)")
    table.execute(
        "CREATE TABLE there (key TEXT PRIMARY KEY, path TEXT, size INTEGER, state TEXT, sha256 TEXT) WITHOUT ROWID"
    )


def _fill_here(table: sqlite3.Connection, sources: Sequence[str]) -> Iterator[Compared]:
    """Gives what cannot be listed. Few, hopefully."""
    entries = look_through(sources, skip=MANIFEST_NAME)
    while batch := list(islice(entries, BATCH)):
        founds = [entry for entry in batch if isinstance(entry, Found)]
        try:
            table.executemany("INSERT INTO here VALUES (?, ?, ?, ?, ?, ?)", map(_here, founds))
        except sqlite3.IntegrityError as error:
            raise BadUsage(f"Two files of {', '.join(sources)} have one path: compare one folder at a time.") from error
        for left_out in (entry for entry in batch if isinstance(entry, LeftOut)):
            if left_out.serious:
                yield Compared(Result.UNREADABLE, left_out.path, note=left_out.reason)
            else:
                LOGGER.warning("%s", left_out.reason)


def _rows(table: sqlite3.Connection, tally: Tally, *, size_only: bool) -> Iterator[Compared]:
    pairs = table.execute(
        "SELECT here.path, here.source, here.size, here.mtime_ns, here.file_id, there.size, there.state, there.sha256"
        " FROM here LEFT JOIN there ON there.key = here.key ORDER BY here.path"
    )
    for path, source, size, mtime_ns, file_id, size_there, state, sha256 in pairs:
        here = Found(source, path, Signature(size, mtime_ns, file_id))
        there = None if state is None else PortalFile(path, path, size_there, state, sha256, "")
        yield _judge(here, there, tally, size_only=size_only)
    only_there = table.execute(
        "SELECT path, size, state, sha256 FROM there WHERE key NOT IN (SELECT key FROM here) ORDER BY path"
    )
    for path, size, state, sha256 in only_there:
        yield Compared(
            Result.ONLY_AT_PORTAL,
            path,
            size_at_portal=size,
            sha256_at_portal=sha256,
            state_at_portal=state,
            note=NOT_VERIFIED.get(state, ""),
        )


def _judge(here: Found, there: PortalFile | None, tally: Tally, *, size_only: bool) -> Compared:
    size = here.signature.size
    if there is None:
        return Compared(Result.MISSING, here.path, size)
    note = NOT_VERIFIED.get(there.state, "")
    told = Compared(Result.SAME, here.path, size, there.size, None, there.sha256, there.state, note)
    if there.state in ("expected", "received"):
        return replace(told, result=Result.MISSING)
    if there.state != "verified" or size != there.size:
        return replace(told, result=Result.DIFFERENT, note=note or "another size")
    if size_only:
        return replace(told, note="only the size was compared")
    try:
        told = replace(told, sha256_here=_read(here, tally))
    except SourceTrouble as trouble:
        return replace(told, result=Result.UNREADABLE, note=trouble.sentence)
    if told.sha256_here != told.sha256_at_portal:
        return replace(told, result=Result.DIFFERENT, note="another content")
    return told


def _read(here: Found, tally: Tally) -> str:
    with SourceFile(here.source, here.signature) as source:
        for piece in source.pieces(0, source.size):
            tally.note_read(len(piece))
        return source.sha256()


def _here(found: Found) -> tuple[str, str, str, int, int, str]:
    signature = found.signature
    return found.path, name_key(found.path), found.source, signature.size, signature.mtime_ns, signature.file_id


def _there(file: PortalFile) -> tuple[str, str, int, str, str | None]:
    return name_key(file.path), file.path, file.size, file.state, file.sha256


def name_key(path: str) -> str:
    """Equal for two paths that the portal, like a file system that ignores case, takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
