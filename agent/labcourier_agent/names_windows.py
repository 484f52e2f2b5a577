r"""Paths on Windows: how to name a file there so that exactly that file is meant.

Without the prefix `\\?\` Windows cuts a path at 260 characters, reads `run.` and `run ` as `run`, and `CON.tif` as a
device: a wrong file would be read, or removed. With it a path is taken as it stands. Source: "Naming Files, Paths, and
Namespaces", Microsoft Learn. Everything here is text alone, so it is the same on every system.
"""

from __future__ import annotations

import ntpath
import sys

_PREFIX = "\\\\?\\"
_UNC_PREFIX = "\\\\?\\UNC\\"
_DEVICE = "\\\\.\\"


def exact(path: str) -> str:
    """`path` as it is to be given to the system; the same text anywhere but on Windows."""
    return exact_on_windows(path) if sys.platform == "win32" else path


def exact_on_windows(path: str) -> str:
    r"""`C:\data\run.` → `\\?\C:\data\run.`, `\\nas\data` → `\\?\UNC\nas\data`; a relative path stays as it is."""
    if path.startswith((_PREFIX, _DEVICE)) or not ntpath.isabs(path) or not ntpath.splitdrive(path)[0]:
        return path
    full = ntpath.normpath(path)
    return _UNC_PREFIX + full[2:] if full.startswith("\\\\") else _PREFIX + full


def readable_on_windows(path: str) -> str:
    """The opposite, as a person writes it. What begins otherwise stays as it is, so it does no harm elsewhere."""
    if path.startswith(_UNC_PREFIX):
        return "\\\\" + path[len(_UNC_PREFIX) :]
    return path.removeprefix(_PREFIX)
