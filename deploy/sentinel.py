"""Ends the programs of a group whose starter was killed: the starter itself cannot any more.

Reads the process ids of session leaders from standard input, one a line. The input ends when the starter does; if it
has not said ``done`` before, every session is asked to end, and killed a little later.
"""

import os
import signal
import sys
import time

KIND_SECONDS = 5.0


def main() -> None:
    leaders: list[int] = []
    for line in sys.stdin:
        if line.strip() == "done":
            return
        leaders.append(int(line))
    _tell(leaders, signal.SIGTERM)
    deadline = time.monotonic() + KIND_SECONDS
    while _tell(leaders, None) and time.monotonic() < deadline:
        time.sleep(0.1)
    _tell(leaders, signal.SIGKILL)


def _tell(leaders: list[int], number: signal.Signals | None) -> bool:
    """Sends a signal to each session, None to none; whether any session is still there."""
    there = False
    for leader in leaders:
        try:
            os.killpg(leader, number or 0)
            there = True
        except ProcessLookupError:
            continue  # it has ended
    return there


if __name__ == "__main__":
    main()
