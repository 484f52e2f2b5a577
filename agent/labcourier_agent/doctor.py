"""The command `doctor`: what keeps data from reaching a portal, in the order in which one thing needs the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from labcourier_agent.exits import Exit


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it. An `ok` needs no remedy."""

    check: str
    verdict: Verdict
    said: str
    remedy: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        line = f"{self.verdict:<4}  {self.check}: {self.said}"
        return [line, f"      {self.remedy}"] if self.remedy else [line]


def ok(check: str, said: str) -> Finding:
    return Finding(check, Verdict.OK, said)


def warn(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, Verdict.WARN, said, remedy)


def fail(check: str, said: str, remedy: str) -> Finding:
    return Finding(check, Verdict.FAIL, said, remedy)


def until_failure(steps: Iterable[Iterator[Finding]]) -> Iterator[Finding]:
    """Steps that each need the one before: after a failure the rest would only fail for the same reason."""
    for step in steps:
        failed = False
        for finding in step:
            failed |= finding.verdict is Verdict.FAIL
            yield finding
        if failed:
            return


def exit_code(findings: Sequence[Finding]) -> Exit:
    return Exit.FINDINGS if any(finding.verdict is Verdict.FAIL for finding in findings) else Exit.OK
