"""A sweep over a million open links of which ten thousand are due a reminder, then over as many of which none is."""

import time
from collections.abc import Iterator

from bench.clock_stage import DATABASES, Swept, swept
from bench.figures import Figure
from bench.memory import peak_memory

COMMAND = ".venv/bin/python -m bench.clock"


def measure(quick: bool) -> Iterator[Figure]:
    count, due = (40_000, 400) if quick else (1_000_000, 10_000)
    for database in DATABASES:
        with swept(database, count, due) as stage:
            for what, expected in ((f"{due:,} due", due), ("none due", 0)):
                seconds, megabytes = _sweep(stage, expected)
                name = f"reminder sweep over {count:,} links, {what}, {database}"
                yield Figure(name, "s", seconds, COMMAND, less_is_better=True, aim="< 60 s")
                yield Figure(f"memory, {name}", "MB", megabytes, COMMAND, less_is_better=True, aim="flat")


def _sweep(stage: Swept, expected: int) -> tuple[float, float]:
    """Seconds, with the start of the process, and its peak memory in MB."""
    began = time.perf_counter()
    sweep = stage.start("manage.py", "remind_recipients")
    with peak_memory(sweep.pid) as peak:
        output, _ = sweep.communicate()
    if output != f"Reminders queued: {expected}\n":
        raise SystemExit(f"expected {expected} reminders, the sweep said: {output}")
    return time.perf_counter() - began, peak.megabytes
