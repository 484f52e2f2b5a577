"""A watched folder in which ten files a second arrive: how long from a file's last byte until it is verified?"""

import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench.command_line import run_benches
from bench.figures import Figure, percentile
from bench.stage import Stage, stage
from bench.upload_data import write_random

A_SECOND = 10
SIZE = 2**20
SETTLE = 2.0
PATIENCE = 120.0
CONFIGURATION = """
[[folder]]
path = "{path}"
title = "Bench"
complete = {{ stable = {settle} }}
"""


def measure(quick: bool) -> Iterator[Figure]:
    count = 100 if quick else 600
    command = ".venv/bin/python -m bench.uploads" + (" --quick" if quick else "")
    with stage() as portal:
        completed = _watch_while_written(portal, count)
        waits = [verified - completed[path] for path, verified in _verified(portal).items()]
    name = f"watched folder, {A_SECOND} files of 1 MiB a second, {count} in all: complete to verified"
    aim = f"< {SETTLE:g} s to settle + 2 s"
    yield Figure(f"{name}, median", "s", statistics.median(waits), command, less_is_better=True, aim=aim)
    yield Figure(f"{name}, 95th percentile", "s", percentile(waits, 95), command, less_is_better=True)


def _watch_while_written(portal: Stage, count: int) -> dict[str, float]:
    """When each file was complete, by name, in seconds since 1970; returns once all are verified."""
    folder, configuration = portal.folder / "camera", portal.folder / "watch.toml"
    folder.mkdir()
    configuration.write_text(CONFIGURATION.format(path=folder, settle=SETTLE))
    agent = portal.start_agent("watch", "--config", str(configuration))
    try:
        completed = dict(_write_files(folder, count))
        _await_verified(portal, agent, count)
    finally:
        agent.terminate()
        agent.wait()
    return completed


def _write_files(folder: Path, count: int) -> Iterator[tuple[str, float]]:
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
        path = write_random(folder / f"frame_{number:05d}.mrc", SIZE)
        yield path.name, time.time()


def _await_verified(portal: Stage, agent: "subprocess.Popen[bytes]", count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(_verified(portal)) < count:
        if agent.poll() is not None or time.monotonic() > deadline:
            log = (portal.folder / "agent.log").read_text()[-2000:]
            raise SystemExit(f"{log}\nonly {len(_verified(portal))} of {count} files were verified")
        time.sleep(0.5)


def _verified(portal: Stage) -> dict[str, float]:
    """When the portal had verified each file, by name, in seconds since 1970."""
    with closing(sqlite3.connect(portal.folder / "var" / "db.sqlite3")) as database:
        rows = database.execute("SELECT path, verified_at FROM portal_datafile WHERE state = 'verified'").fetchall()
    return {path: datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() for path, moment in rows}


if __name__ == "__main__":
    run_benches([measure])
