"""The command `verify`: a folder against its list of digests, offline.

The list goes into a temporary database, so memory does not grow with it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from labcourier_agent.exits import BadUsage, Exit, NotFound
from labcourier_agent.fetching.folder import PIECE
from labcourier_agent.fetching.manifest_lines import read_lines
from labcourier_agent.filters import Links
from labcourier_agent.names_windows import exact
from labcourier_agent.progress import LINE_EVERY, LOGGER, in_words
from labcourier_agent.scan import Found, Selection, look_through

COLUMNS = ("result", "path", "sha256_listed", "sha256_here", "note")
BATCH = 1000


class Check(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Checked:
    result: Check
    path: str
    sha256_listed: str | None = None
    sha256_here: str | None = None
    note: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


class VerifyTally:
    """What was found, and how far it is: a message every ten seconds."""

    def __init__(self) -> None:
        self.files: Counter[Check] = Counter()
        self.bytes_read = 0
        self._next = time.monotonic() + LINE_EVERY

    @property
    def exit_code(self) -> Exit:
        return Exit.OK if set(self.files) <= {Check.SAME} else Exit.FINDINGS

    def document(self) -> dict[str, int]:
        return {check.value: self.files[check] for check in Check}

    def note_read(self, count: int) -> None:
        self.bytes_read += count
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY
            LOGGER.info("%d files checked, %s read", self.files.total(), in_words(self.bytes_read))


def find_manifest(folder: Path) -> Path:
    """Errors: NotFound; BadUsage when there are several."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    found = sorted(folder.glob("manifest-sha256*.txt"))
    if (plain := folder / "manifest-sha256.txt") in found and len(found) == 1:
        return plain
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise BadUsage(f"{folder} has several lists of digests ({names}): choose one with --manifest.")
    if not found:
        raise NotFound(f"{folder} has no manifest-sha256.txt: name the list of digests with --manifest.")
    return found[0]


def verify(folder: Path, manifest: Path, tally: VerifyTally) -> Iterator[Checked]:
    """The files of the list by name, then what is not in it. Errors: NotFound, BadUsage."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    with closing(sqlite3.connect("")) as table:
        table.execute("PRAGMA synchronous = OFF")
        table.execute("CREATE TABLE listed (name TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID")
        table.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", read_lines(manifest))
        for name, sha256 in table.execute("SELECT name, sha256 FROM listed ORDER BY name"):
            yield _noted(tally, _check(folder, name, sha256, tally))
        for name in _extra(folder, manifest, table):
            yield _noted(tally, Checked(Check.EXTRA, name))


def _noted(tally: VerifyTally, checked: Checked) -> Checked:
    tally.files[checked.result] += 1
    return checked


def _check(folder: Path, name: str, sha256: str, tally: VerifyTally) -> Checked:
    """A list is written by others: a name that leads out of the folder is not followed."""
    path = Path(exact(str(folder.absolute()))).joinpath(*name.split("/"))
    if name.startswith("/") or ".." in name.split("/"):
        return Checked(Check.UNREADABLE, name, sha256, note="the name leads out of the folder")
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                tally.note_read(len(piece))
    except (FileNotFoundError, NotADirectoryError):
        return Checked(Check.MISSING, name, sha256)
    except (OSError, ValueError) as error:
        return Checked(Check.UNREADABLE, name, sha256, note=str(getattr(error, "strerror", None) or error))
    here = digest.hexdigest()
    return Checked(Check.SAME if here == sha256 else Check.DIFFERENT, name, sha256, here)


def _extra(folder: Path, manifest: Path, table: sqlite3.Connection) -> Iterator[str]:
    """Memory: a thousand names."""
    found = look_through([str(folder.absolute())], selection=Selection(links=Links.FILES))
    names = (entry.path for entry in found if isinstance(entry, Found) and not _is(entry.source, manifest))
    while page := list(islice(names, BATCH)):
        for name in page:
            if table.execute("SELECT 1 FROM listed WHERE name = ?", (name,)).fetchone() is None:
                yield name


def _is(source: str, manifest: Path) -> bool:
    return source.endswith(manifest.name) and Path(source).samefile(manifest)
