"""A sweep over a million open links: once when each is due a reminder, once when none is, as every ten minutes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from bench.command_line import run_benches
from bench.figures import Figure
from bench.memory import peak_memory
from portal.config import ROOT


def measure(quick: bool) -> Iterator[Figure]:
    count = 40_000 if quick else 1_000_000
    command = ".venv/bin/python -m bench.reminders" + (" --quick" if quick else "")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        env = os.environ | {"LABCOURIER_VAR": folder, "LABCOURIER_BROKER_URL": "memory://"}
        env |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        _run(env, "manage.py", "migrate", "--verbosity", "0")
        _run(env, "-m", "bench.many_links", str(count))
        for what, expected in (("each due", count), ("none due", 0)):
            seconds, megabytes = _sweep(env, expected)
            name = f"reminder sweep over {count:,} links, {what}"
            yield Figure(name, "s", seconds, command, less_is_better=True, aim="< 60 s")
            yield Figure(f"memory, {name}", "MB", megabytes, command, less_is_better=True, aim="flat")


def _sweep(env: dict[str, str], expected: int) -> tuple[float, float]:
    """Seconds, with the start of the process, and its peak memory in MB."""
    began = time.perf_counter()
    sweep = subprocess.Popen(
        [sys.executable, "manage.py", "remind_recipients"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    with peak_memory(sweep.pid) as peak:
        output, _ = sweep.communicate()
    if output != f"Reminders queued: {expected}\n":
        raise SystemExit(f"expected {expected} reminders, the sweep said: {output}")
    return time.perf_counter() - began, peak.megabytes


def _run(env: dict[str, str], *arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    run_benches([measure])
