"""
How a run ends: the exit codes, and the errors that lead to them.

* AgentError                  1    anything that went wrong, as a sentence for the person at the instrument
  x SourceTrouble             1    one file cannot be sent as it is; the others go on
    + SourceUnreadable             not allowed, an input/output error, gone
    + SourceChanged           5    it changed while it was being sent
  x BadUsage                  2    the command itself asks for something impossible
  x NotFound                  3    a folder, portal, dataset or upload that is not there
  x Refused                   4    the portal says no, and will say no again
    + AccessRefused                401, 403: nothing can be sent with this token
    + Conflict                     409: the portal's state does not allow it
    + Invalid                      400, 413, 422 and other 4xx: this file or request is not acceptable
  x TryLater                  5    passing trouble: the same again helps
    + Unreachable                  no connection, a cut line, no answer in time
    + Busy                         408, 423, 429, 5xx
    + NoRoom                       507
    + AlreadyRunning               the same dataset or folder is being sent by another process
    + JournalTrouble               the journal cannot be read or written, e.g. its disk is full
  x VerificationFailed        6    the portal read back something else, again and again
  x Interrupted             130    Ctrl-C or a termination signal
"""

from __future__ import annotations

import errno
import sqlite3
from enum import IntEnum
from pathlib import Path
from typing import Any


class Exit(IntEnum):
    OK = 0
    OTHER = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    TRY_LATER = 5
    VERIFICATION_FAILED = 6
    FINDINGS = 7
    VANISHED = 8
    INTERRUPTED = 130


EXIT_MEANINGS = {
    Exit.OK: "everything was sent or fetched, and verified, or there was nothing left to do",
    Exit.OTHER: "something else went wrong, e.g. a file could not be read",
    Exit.USAGE: "the command was not understood or asks for something impossible",
    Exit.NOT_FOUND: "no such folder, file, portal or dataset; nothing to send or to fetch",
    Exit.REFUSED: "the portal refused: token, link, rights, a name, a size, a closed dataset",
    Exit.TRY_LATER: "not now: portal not reachable, no room there or here, or files that are still changing",
    Exit.VERIFICATION_FAILED: "other bytes arrived than were sent, several times",
    Exit.FINDINGS: "looked and found something: differences, files in the way or staying, a fault, no running service",
    Exit.VANISHED: "complete, but without files that vanished here before they were sent",
    Exit.INTERRUPTED: "interrupted; the same command again goes on where it stopped",
}

# The \b keeps click from re-flowing the list.
EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {int(code):>3}  {text}" for code, text in EXIT_MEANINGS.items())


class AgentError(Exception):
    exit_code = Exit.OTHER

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class SourceTrouble(AgentError):
    pass


class SourceUnreadable(SourceTrouble):
    """`gone` is true when the file is no longer there."""

    def __init__(self, sentence: str, *, gone: bool = False) -> None:
        super().__init__(sentence)
        self.gone = gone


class SourceChanged(SourceTrouble):
    exit_code = Exit.TRY_LATER


class BadUsage(AgentError):
    exit_code = Exit.USAGE


class NotFound(AgentError):
    """`code` is the portal's own, empty when it gave none."""

    exit_code = Exit.NOT_FOUND

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class Refused(AgentError):
    """`code` and `detail` are the portal's own, empty when it gave none."""

    exit_code = Exit.REFUSED

    def __init__(self, sentence: str, *, code: str = "", detail: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.detail = detail or {}


class AccessRefused(Refused):
    pass


class Conflict(Refused):
    pass


class Invalid(Refused):
    pass


class TryLater(AgentError):
    """`retry_after` is the least number of seconds the portal asked to wait."""

    exit_code = Exit.TRY_LATER

    def __init__(self, sentence: str, *, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Unreachable(TryLater):
    """`no_such_host`: the name has no address, which may also be a name service that is away."""

    def __init__(self, sentence: str, *, no_such_host: bool = False) -> None:
        super().__init__(sentence)
        self.no_such_host = no_such_host


class Busy(TryLater):
    pass


class NoRoom(TryLater):
    pass


class AlreadyRunning(TryLater):
    pass


class JournalTrouble(TryLater):
    """From what SQLite or the system said; `path` is the journal's file, None for a passing one."""

    def __init__(self, path: Path | None, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", None)
        remedy = "make it writable for this user, or set LABCOURIER_HOME to another folder"
        if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == errno.ENOSPC:
            remedy = "make room on its disk, then run the same command again: nothing is lost"
        elif code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
            remedy = "another program holds it: end that program, then run the same command again"
        elif isinstance(error, sqlite3.DatabaseError) and code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            remedy = "move it away, then run the same command again; what is at the portal is not sent twice"
        super().__init__(f"The journal {path or 'in the temporary folder'} cannot be used ({error}): {remedy}.")


class VerificationFailed(AgentError):
    exit_code = Exit.VERIFICATION_FAILED


class Interrupted(AgentError):
    exit_code = Exit.INTERRUPTED

    def __init__(self) -> None:
        super().__init__("Interrupted.")
