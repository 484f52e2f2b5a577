"""One large file, agent to verified, beside tus pairs, rclone, rsync and ``cp`` with the same file on the same disk."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.command_line import run_benches
from bench.figures import Figure
from bench.memory import peak_memory
from bench.stage import Stage, stage
from bench.upload_data import GIB, write_random
from bench.upload_peers import time_peers


def measure(quick: bool) -> Iterator[Figure]:
    size = GIB // 4 if quick else 2 * GIB
    command = ".venv/bin/python -m bench.uploads" + (" --quick" if quick else "")
    with stage() as portal:
        source = write_random(portal.folder / "source" / "movie.mrc", size).parent
        _send(
            portal, write_random(portal.folder / "first" / "small.mrc", 10_000).parent
        )  # what loads once is no growth
        with peak_memory(portal.web_pid) as before:
            time.sleep(1)
        seconds, agent_peak, web_peak = _send(portal, source)
        peers = {name: size / taken / 1e6 for name, taken in time_peers(source, portal.folder)}
    name = f"one file of {size / GIB:g} GiB"
    growth = web_peak - before.megabytes
    yield Figure(f"{name}, to verified", "MB/s", size / seconds / 1e6, command, peers, aim="as the fastest tus pair")
    yield Figure(f"agent memory, {name}", "MB", agent_peak, command, less_is_better=True, aim="< 100 MB")
    yield Figure(f"growth of the web server, {name}", "MB", growth, command, less_is_better=True, aim="< 50 MB")


def _send(portal: Stage, folder: Path) -> tuple[float, float, float]:
    """Seconds until verified, and the peaks of agent and web server in MB."""
    began = time.perf_counter()
    agent = portal.start_agent("send", str(folder), "--title", "Bench", "--json")
    with peak_memory(agent.pid) as of_agent, peak_memory(portal.web_pid) as of_web:
        portal.await_agent(agent)
    return time.perf_counter() - began, of_agent.megabytes, of_web.megabytes


if __name__ == "__main__":
    run_benches([measure])
