"""What lies in the given folders, as a stream: nothing here grows with the number of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labcourier_agent.exits import NotFound
from labcourier_agent.source import Signature


@dataclass(frozen=True)
class Found:
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


def look_through(sources: Sequence[str], *, skip: str | None = None) -> Iterator[Found | LeftOut]:
    """A file given by name keeps its name; of a folder the content is taken, with its tree, without its own name.

    `skip` names a file that is left out at the top of each folder (a marker). Links inside a folder are not followed.
    Order is that of the file system. Errors: NotFound for a source that is not there.
    """
    for source in sources:
        if Path(source).is_dir():
            yield from _look_into(source, skip)
        elif Path(source).exists():
            yield _found(source, Path(source).name, Path(source).stat())
        else:
            raise NotFound(f"There is no file or folder {source}.")


def _look_into(top: str, skip: str | None) -> Iterator[Found | LeftOut]:
    waiting = [(top, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False) and not _is_junction(entry):
                        waiting.append((entry.path, f"{prefix}{entry.name}/"))
                    elif prefix or entry.name != skip:
                        yield _examine(entry, prefix + entry.name)
        except OSError as error:
            reason = f"The folder {folder} cannot be read: {error.strerror or error}."
            yield LeftOut(folder, _printable(prefix or "/"), reason, serious=True)


def _examine(entry: os.DirEntry[str], path: str) -> Found | LeftOut:
    if entry.is_symlink() or _is_junction(entry):
        return LeftOut(
            entry.path, _printable(path), f"{_printable(entry.path)} is a link and was left out.", serious=False
        )
    if not entry.is_file(follow_symlinks=False):
        return LeftOut(entry.path, _printable(path), f"{_printable(entry.path)} is no regular file.", serious=False)
    try:
        # On Windows an entry knows no file index, and may know an old size of a file that is being written.
        stat = Path(entry.path).stat() if sys.platform == "win32" else entry.stat(follow_symlinks=False)
    except OSError as error:
        reason = f"{_printable(entry.path)} cannot be looked at: {error.strerror or error}."
        return LeftOut(entry.path, _printable(path), reason, serious=True)
    return _found(entry.path, path, stat)


def _found(source: str, path: str, stat: os.stat_result) -> Found | LeftOut:
    if _printable(source) != source:
        reason = f"The name of {_printable(source)} is not valid text in this system's encoding: rename it."
        return LeftOut(source, _printable(path), reason, serious=True)
    return Found(source, path, Signature.of(stat))


def _printable(text: str) -> str:
    """Names with bytes that are no UTF-8 can be neither sent nor stored nor printed: show those bytes as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Windows: a junction is a folder that is elsewhere (Python 3.12 knows them)."""
    return sys.version_info >= (3, 12) and entry.is_junction()
