"""What the journal says about files, as plain values."""

from __future__ import annotations

import sqlite3
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from labcourier_agent.exits import Exit
from labcourier_agent.scan import Found
from labcourier_agent.source import Signature


class Fault(StrEnum):
    """Why a file failed, each with the exit code it leads to."""

    CORRUPT = "corrupt"
    REFUSED = "refused"
    CHANGING = "changing"
    UNREADABLE = "unreadable"
    GONE = "gone"
    WITHDRAWN = "withdrawn"
    UNLISTED = "unlisted"

    @property
    def exit_code(self) -> Exit:
        codes = {
            Fault.CORRUPT: Exit.VERIFICATION_FAILED,
            Fault.REFUSED: Exit.REFUSED,
            Fault.CHANGING: Exit.TRY_LATER,
            Fault.WITHDRAWN: Exit.VANISHED,
        }
        return codes.get(self, Exit.OTHER)


@dataclass(frozen=True)
class FileRow:
    id: int
    source: str
    path: str
    portal_path: str
    signature: Signature
    sha256: str | None
    upload_url: str | None
    sent_at: float
    changes: int
    resends: int
    announced_before: bool

    @classmethod
    def read(cls, row: sqlite3.Row) -> Self:
        return cls(
            id=row["id"],
            source=row["source"],
            path=row["path"],
            portal_path=row["portal_path"] or unicodedata.normalize("NFC", row["path"]),
            signature=Signature(row["size"], row["mtime_ns"], row["file_id"]),
            sha256=row["sha256"],
            upload_url=row["upload_url"],
            sent_at=row["sent_at"] or 0.0,
            changes=row["changes"],
            resends=row["resends"],
            announced_before=row["portal_path"] is not None,
        )


@dataclass(frozen=True)
class Difference:
    """A file that is new, or another version than the journal knows.

    `upload_url`: a half-sent upload of the version before. `sha256`: where it took the digest to tell them apart.
    """

    found: Found
    upload_url: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Failure:
    path: str
    source: str
    fault: Fault
    reason: str

    def document(self) -> dict[str, str]:
        return {"path": self.path, "source": self.source, "fault": self.fault.value, "reason": self.reason}


@dataclass(frozen=True)
class Counts:
    """Files and bytes by state. The totals leave out what vanished and was withdrawn."""

    files: dict[str, int]
    bytes: dict[str, int]

    def of(self, *states: str) -> int:
        return sum(self.files.get(state, 0) for state in states)

    def bytes_of(self, *states: str) -> int:
        return sum(self.bytes.get(state, 0) for state in states)

    @property
    def total(self) -> int:
        return sum(self.files.values()) - self.of("withdrawn")

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes.values()) - self.bytes_of("withdrawn")

    @property
    def verified(self) -> int:
        return self.of("verified")

    @property
    def at_portal(self) -> int:
        return self.of("sent", "stated", "verified")

    @property
    def bytes_at_portal(self) -> int:
        return self.bytes_of("sent", "stated", "verified")

    @property
    def waiting(self) -> int:
        return self.of("found", "announced", "sending")
