"""How a run of `send` ended: for programs as one JSON document, for people as a few lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labcourier_agent.exits import Exit
from labcourier_agent.ledger import Ledger
from labcourier_agent.progress import in_words
from labcourier_agent.records import Counts, Failure

# The gravest decides the exit code of a run in which several things failed.
GRAVITY = (Exit.VERIFICATION_FAILED, Exit.REFUSED, Exit.OTHER, Exit.TRY_LATER, Exit.VANISHED)


@dataclass(frozen=True)
class Report:
    """`answer` is the dataset in the portal's words, None before it exists. `error` is what ended the run early.

    `resumable`: the same command again goes on with it.
    """

    answer: dict[str, Any] | None
    counts: Counts
    failures: list[Failure]
    seconds: float
    exit_code: Exit
    error: str = ""
    resumable: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "dataset": self.answer,
            "files": self.counts.total,
            "bytes": self.counts.total_bytes,
            "seconds": round(self.seconds, 3),
            "verified": self.counts.verified,
            "failed": [failure.document() for failure in self.failures],
            "failed_count": self.counts.of("failed"),
            "error": self.error or None,
            "exit_code": int(self.exit_code),
        }

    def data_lines(self) -> list[str]:
        """For stdout: which dataset, and how much of it is verified."""
        if self.answer is None:
            return []
        verified, size = self.counts.verified, in_words(self.counts.bytes_of("verified"))
        return [
            str(self.answer["name"]),
            str(self.answer["url"]),
            f"{verified} of {self.counts.total} files verified ({size}), {self.answer['state']}",
        ]


def exit_code_of(ledger: Ledger) -> Exit:
    return gravest(fault.exit_code for fault in ledger.faults())


def gravest(codes: Iterable[Exit]) -> Exit:
    """Of several outcomes; an interruption goes before all."""
    found = set(codes)
    return next((code for code in (Exit.INTERRUPTED, *GRAVITY) if code in found), max(found, default=Exit.OK))
