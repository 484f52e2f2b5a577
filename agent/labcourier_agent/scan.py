"""What lies in the given folders, as a stream: nothing here grows with the number of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from labcourier_agent.exits import NotFound
from labcourier_agent.filters import Filters, Links
from labcourier_agent.names_windows import exact
from labcourier_agent.source import Signature

# A folder on the way to another one, by device and file number, with the one above it.
Above = tuple[tuple[int, int], "Above | None"]


class Found(NamedTuple):
    """`source` is the absolute path here, `path` the one in the dataset, relative and with `/`."""

    source: str
    path: str
    signature: Signature


@dataclass(frozen=True)
class LeftOut:
    """Something that is not sent. `serious`: it should have been, so the dataset would not be complete without it."""

    source: str
    path: str
    reason: str
    serious: bool


@dataclass(frozen=True)
class Selection:
    """Which of the files are meant. `place` is asked last: where a file goes in the dataset, None when it does not.

    `within`: only this folder of each source is looked into, relative and with `/`.
    """

    filters: Filters = Filters()  # noqa: RUF009 it does not change
    links: Links = Links.SKIP
    within: str = ""
    place: Callable[[Found], str | None] | None = None


EVERYTHING = Selection()


def look_through(
    sources: Sequence[str], *, skip: str | None = None, selection: Selection = EVERYTHING
) -> Iterator[Found | LeftOut]:
    """A file given by name keeps its name; of a folder the content is taken, with its tree, without its own name.

    `skip` names a file that is left out at the top of each folder (a marker). Order is that of the file system.
    Errors: NotFound for a source that is not there.
    """
    for source in sources:
        if Path(source).is_dir():
            entries = Walk(source, skip, selection).entries()
        elif Path(source).exists():
            entries = iter([_found(source, Path(source).name, Path(source).stat())])
        else:
            raise NotFound(f"There is no file or folder {source}.")
        yield from entries if selection.place is None else _placed(entries, selection.place)


def _placed(entries: Iterator[Found | LeftOut], place: Callable[[Found], str | None]) -> Iterator[Found | LeftOut]:
    for entry in entries:
        if isinstance(entry, LeftOut):
            yield entry
        elif (path := place(entry)) is not None:
            yield entry._replace(path=path)


class Walk:
    """Through one folder and those below it."""

    def __init__(self, top: str, skip: str | None, selection: Selection) -> None:
        self._skip = skip
        self._filters = selection.filters
        self._links = selection.links
        self._waiting: list[tuple[str, str, Above | None]] = []
        start = Path(exact(str(Path(top, selection.within))))
        if start.is_dir():
            above = _identity(str(start), None) if self._links is Links.ALL else None
            self._waiting.append((str(start), f"{selection.within}/" if selection.within else "", above))

    def entries(self) -> Iterator[Found | LeftOut]:
        while self._waiting:
            folder, prefix, above = self._waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        seen = self._see(entry, prefix, above)
                        if seen is not None:
                            yield seen
            except OSError as error:
                reason = f"The folder {folder} cannot be read: {error.strerror or error}."
                yield LeftOut(folder, _printable(prefix or "/"), reason, serious=True)

    def _see(self, entry: os.DirEntry[str], prefix: str, above: Above | None) -> Found | LeftOut | None:
        path = prefix + entry.name
        if entry.is_symlink() or _is_junction(entry):
            return self._see_link(entry, path, above)
        if entry.is_dir(follow_symlinks=False):
            if self._filters.enters(path):
                below = _identity(entry.path, above) if above else None
                self._waiting.append((entry.path, path + "/", below))
            return None
        if (not prefix and entry.name == self._skip) or not self._filters.takes(path):
            return None
        if not entry.is_file(follow_symlinks=False):
            return _left_out(entry, path, "is no regular file.")
        return _examine(entry, path)

    def _see_link(self, entry: os.DirEntry[str], path: str, above: Above | None) -> Found | LeftOut | None:
        try:
            leads_to_folder, leads_to_file = entry.is_dir(), entry.is_file()
        except OSError:
            leads_to_folder = leads_to_file = False
        if not (self._filters.enters(path) if leads_to_folder else self._filters.takes(path)):
            return None
        if leads_to_folder and self._links is Links.ALL:
            return self._enter_link(entry, path, above)
        if leads_to_file and self._links is not Links.SKIP:
            return _examine(entry, path)
        leads_nowhere = self._links is not Links.SKIP and not leads_to_folder
        return _left_out(entry, path, "is a link that leads nowhere." if leads_nowhere else "is a link: left out.")

    def _enter_link(self, entry: os.DirEntry[str], path: str, above: Above | None) -> LeftOut | None:
        try:
            below = _identity(entry.path, above)
        except OSError as error:
            return _left_out(entry, path, f"cannot be looked at: {error.strerror or error}.", serious=True)
        step = above
        while step is not None:
            if step[0] == below[0]:
                return _left_out(entry, path, "is a link to a folder it lies in: left out.")
            step = step[1]
        self._waiting.append((entry.path, path + "/", below))
        return None


def _identity(folder: str, above: Above | None) -> Above:
    stat = Path(folder).stat()
    return (stat.st_dev, stat.st_ino), above


def _examine(entry: os.DirEntry[str], path: str) -> Found | LeftOut:
    try:
        # On Windows an entry knows no file index, and may know an old size of a file that is being written.
        stat = Path(entry.path).stat() if sys.platform == "win32" else entry.stat()
    except OSError as error:
        return _left_out(entry, path, f"cannot be looked at: {error.strerror or error}.", serious=True)
    return _found(entry.path, path, stat)


def _left_out(entry: os.DirEntry[str], path: str, why: str, *, serious: bool = False) -> LeftOut:
    return LeftOut(entry.path, _printable(path), f"{_printable(entry.path)} {why}", serious)


def _found(source: str, path: str, stat: os.stat_result) -> Found | LeftOut:
    if not source.isascii() and _printable(source) != source:
        reason = f"The name of {_printable(source)} is not valid text in this system's encoding: rename it."
        return LeftOut(source, _printable(path), reason, serious=True)
    return Found(source, path, Signature.of(stat))


def _printable(text: str) -> str:
    """Names with bytes that are no UTF-8 can be neither sent nor stored nor printed: show those bytes as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Windows: a junction is a folder that is elsewhere (Python 3.12 knows them)."""
    return sys.version_info >= (3, 12) and entry.is_junction()
