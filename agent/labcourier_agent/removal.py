"""Removing a file from the disk, so that it is certainly that file: no link is followed, nothing is guessed."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePath

from labcourier_agent.exits import SourceChanged, SourceUnreadable
from labcourier_agent.names_windows import exact, readable_on_windows
from labcourier_agent.source import Signature

# Windows: a junction or another thing that leads elsewhere, as `lstat` tells it.
REPARSE_POINT = 0x400


def is_within(path: str, top: str, flavour: type[PurePath] = PurePath) -> bool:
    """Whether `path` is `top` or lies below it, by their names alone; upper and lower case are one on Windows."""
    return flavour(readable_on_windows(path)).is_relative_to(flavour(readable_on_windows(top)))


def _is_below(path: str, top: str) -> bool:
    return is_within(path, top) and not is_within(top, path)


def look_below(tops: Sequence[str], path: str) -> Signature:
    """The regular file at `path`, which lies in one of `tops`, with no link on the way from there.

    Errors: SourceUnreadable when it is anything else.
    """
    top = next((top for top in tops if is_within(path, top)), None)
    if top is None:
        raise SourceUnreadable(f"{path} is outside of what was sent.")
    between = [parent for parent in PurePath(path).parents if _is_below(str(parent), top)]
    for folder in between:
        if _leads_elsewhere(_lstat(str(folder))):
            raise SourceUnreadable(f"{folder} is a link by now.")
    found = _lstat(path)
    if _leads_elsewhere(found) or not stat.S_ISREG(found.st_mode):
        raise SourceUnreadable(f"{path} is no regular file by now.")
    return Signature.of(found)


def remove(tops: Sequence[str], path: str, expected: Signature) -> None:
    """Errors: SourceChanged when it is not `expected` any more, SourceUnreadable when it cannot be removed."""
    if look_below(tops, path) != expected:
        raise SourceChanged(f"{path} changed just now.")
    try:
        Path(exact(path)).unlink()
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be removed: {error.strerror or error}.") from error
    _remove_emptied(tops, path)


def _remove_emptied(tops: Sequence[str], path: str) -> None:
    """The folders that are empty now, but never one that was given to be sent."""
    for parent in PurePath(path).parents:
        if not any(_is_below(str(parent), top) for top in tops):
            return
        try:
            Path(exact(str(parent))).rmdir()
        except OSError:
            return


def _lstat(path: str) -> os.stat_result:
    try:
        return Path(exact(path)).lstat()
    except OSError as error:
        gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        sentence = f"{path} is no longer there." if gone else f"{path} cannot be looked at: {error.strerror or error}."
        raise SourceUnreadable(sentence, gone=gone) from error


def _leads_elsewhere(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_file_attributes", 0) & REPARSE_POINT)
