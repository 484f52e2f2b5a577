"""``python -m checks [--only lint|tests]``: runs every step even when one fails; exit status 0 only when all passed."""

import argparse
import os
import sys
import time

from checks.outcome import Outcome, run
from checks.postgresql import throwaway_postgresql
from checks.steps import REPORTS, Step, lint_steps, test_steps

TAIL_LINES = 150


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the project's checks and tests.")
    parser.add_argument("--only", choices=["lint", "tests"], help="only the checks, or only the test suites")
    only = parser.parse_args().only
    began = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    outcomes = [] if only == "tests" else run_all(lint_steps())
    if only != "lint":
        with throwaway_postgresql() as url:
            outcomes += run_all(test_steps(url))
    return summarise(outcomes, time.monotonic() - began)


def run_all(steps: list[Step]) -> list[Outcome]:
    """Runs the steps one after the other; a failed one prints the end of its log and the rest goes on."""
    outcomes = []
    for step in steps:
        print(f"... {step.name}", flush=True)
        outcome = run(step)
        outcomes.append(outcome)
        if outcome.failed:
            print_end_of_log(outcome)
    return outcomes


def print_end_of_log(outcome: Outcome) -> None:
    lines = outcome.log.read_text(errors="replace").splitlines()
    print(f"--- {outcome.step.name}: {' '.join(outcome.step.command)}")
    print("\n".join(lines[-TAIL_LINES:]))
    print(f"--- end of {outcome.log}", flush=True)


def summarise(outcomes: list[Outcome], seconds: float) -> int:
    """Prints the table and the closing counts; 0 when nothing failed and, in CI, nothing was left out."""
    print(f"\n{'step':<28}{'result':<8}{'passed':>7}{'failed':>7}{'skipped':>8}{'seconds':>9}")
    for outcome in outcomes:
        print(
            f"{outcome.step.name:<28}{'FAILED' if outcome.failed else 'ok':<8}{outcome.passed:>7}{outcome.failed:>7}"
            f"{len(outcome.skips):>8}{outcome.seconds:>9.1f}"
        )
    wrong_skips = [reason for outcome in outcomes for reason in outcome.wrong_skips]
    for reason in wrong_skips:
        print(f"skipped: {reason}")
    passed, failed = sum(outcome.passed for outcome in outcomes), sum(outcome.failed for outcome in outcomes)
    if os.environ.get("CI") and wrong_skips:
        print("In CI nothing may be left out: each skipped test above counts as failed.")
        failed += len(wrong_skips)
    print(f"\nAll of it took {seconds:.0f} s.")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
