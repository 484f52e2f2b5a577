"""Runs one step and says how it went."""

import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from checks.steps import REPORTS, ROOT, Step

ALLOWED_SKIP = "only on "  # such as "only on PostgreSQL": the other suite runs it


@dataclass(frozen=True)
class Outcome:
    """Counts of a step; ``log`` holds all that it printed, ``skips`` the reasons of tests that did not run."""

    step: Step
    passed: int
    failed: int
    seconds: float
    log: Path
    skips: tuple[str, ...] = ()

    @property
    def wrong_skips(self) -> list[str]:
        """Reasons that mean something was missing on this machine."""
        return [reason for reason in self.skips if not reason.startswith(ALLOWED_SKIP)]


def run(step: Step) -> Outcome:
    """Runs ``step`` to its end or its time limit. A step that counted no test, or broke down, has failed."""
    log = REPORTS / f"{step.name.replace(' ', '-')}.log"
    if step.report:
        step.report.unlink(missing_ok=True)
    began = time.monotonic()
    status = _run(step, log)
    seconds = time.monotonic() - began
    if not step.report:
        return Outcome(step, passed=int(status == 0), failed=int(status != 0), seconds=seconds, log=log)
    passed, failed, skips = _counts(step.report)
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1  # the runner itself broke, or ran nothing
    return Outcome(step, passed, failed, seconds, log, tuple(skips))


def _run(step: Step, log: Path) -> int:
    with log.open("wb") as output:
        process = subprocess.Popen(
            step.command,
            cwd=ROOT,
            env={**os.environ, **step.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(step.seconds)
        except subprocess.TimeoutExpired:
            output.write(f"\nStopped after {step.seconds} s, its limit.\n".encode())
            return 124
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the step and what it started, whether it is over, too slow or interrupted."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _counts(report: Path) -> tuple[int, int, list[str]]:
    """Passed, failed, and the reasons of the skipped, from a JUnit file; no file is no test."""
    if not report.exists():
        return 0, 0, []
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314  (pytest wrote it a moment ago)
    passed, failed, skips = 0, 0, []
    for case in cases:
        if (skipped := case.find("skipped")) is not None:
            skips.append(skipped.get("message", ""))
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed, skips
