"""This computer: the agent's own folders, its journal, its disk, and the folders it watches."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from labcourier_agent.config import CONFIG_FILE, read_config
from labcourier_agent.doctor import Finding, fail, ok, warn
from labcourier_agent.exits import AgentError
from labcourier_agent.names_windows import exact
from labcourier_agent.progress import in_words
from labcourier_agent.settings import PORTALS_FILE, Folders, Portals
from labcourier_agent.system import others_may_read

LITTLE_ROOM = 1024**3
NO_ROOM = 64 * 1024**2


def look_at_computer(folders: Folders, portals: Portals, config: Path | None) -> Iterator[Finding]:
    yield _tokens(folders)
    yield _state(folders)
    yield _room(folders)
    if folders.journal.exists():
        yield _journal(folders)
    yield from _watched(config or folders.config / CONFIG_FILE, portals, asked=config is not None)


def _tokens(folders: Folders) -> Finding:
    file = folders.config / PORTALS_FILE
    try:
        if others_may_read(file):
            remedy = f"Run: chmod 600 {file}. If others work here, have the tokens renewed."
            return fail("tokens", f"{file} can be read by others", remedy)
    except OSError as error:
        remedy = "Run `labcourier connect` as the user the agent runs as."
        return fail("tokens", f"{file} cannot be looked at: {error.strerror}", remedy)
    return ok("tokens", f"{file} is readable by this user alone")


def _state(folders: Folders) -> Finding:
    """By writing: rights, a full disk and a read-only one show themselves only then."""
    try:
        with tempfile.TemporaryFile(dir=folders.state) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        remedy = "Make it writable for this user, make room, or set LABCOURIER_HOME to a folder on a local disk."
        return fail("state folder", f"{folders.state} cannot be written: {error.strerror}", remedy)
    return ok("state folder", f"{folders.state} can be written")


def _room(folders: Folders) -> Finding:
    try:
        free = shutil.disk_usage(folders.state).free
    except OSError as error:
        return fail("disk", f"{folders.state} cannot be looked at: {error.strerror}", "Make that folder.")
    said = f"{in_words(free)} free for the journal and the log"
    if free < NO_ROOM:
        return fail("disk", said, "Make room; `labcourier clean` removes what the portal has verified.")
    if free < LITTLE_ROOM:
        return warn("disk", said, "Make room soon; `labcourier clean` removes what the portal has verified.")
    return ok("disk", said)


def _journal(folders: Folders) -> Finding:
    remedy = "Move it away: what is at the portal is not sent twice, but datasets under way are not gone on with."
    try:
        with closing(sqlite3.connect(f"{folders.journal.as_uri()}?mode=ro", uri=True)) as journal:
            ((said,), *_) = journal.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        return fail("journal", f"{folders.journal} cannot be read: {error}", remedy)
    return ok("journal", "whole") if said == "ok" else fail("journal", f"damaged: {said}", remedy)


def _watched(config: Path, portals: Portals, *, asked: bool) -> Iterator[Finding]:
    """Without a configuration nothing is watched, which is all right unless one was named."""
    if not config.exists() and not asked:
        return
    try:
        watched = read_config(config, portals)
    except AgentError as error:
        yield fail("watch", error.sentence, "Correct it; `labcourier watch --check` shows what it leads to.")
        return
    for folder in watched.folders:
        yield _folder(folder.path)


def _folder(path: str) -> Finding:
    check = f"folder {path}"
    try:
        with os.scandir(exact(path)) as entries:
            next(entries, None)
    except OSError as error:
        remedy = "Mount the share, or give the user the agent runs as the right to read it."
        return fail(check, f"cannot be read: {error.strerror}", remedy)
    return ok(check, "can be read")
