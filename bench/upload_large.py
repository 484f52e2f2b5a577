"""One large file: agent to verified, beside ``cp`` and ``sha256sum`` of the same file.

The peer is not a fair one, and is meant to be unfair: it writes once and reads once without network, database or proof.
"""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.command_line import run_benches
from bench.figures import Figure
from bench.memory import peak_memory
from bench.stage import Stage, stage

GIB = 2**30


def measure(quick: bool) -> Iterator[Figure]:
    size = GIB // 4 if quick else 2 * GIB
    command = ".venv/bin/python -m bench.upload_large" + (" --quick" if quick else "")
    with stage() as portal:
        source = write_random(portal.folder / "source" / "movie.mrc", size)
        seconds, agent_peak, portal_peak = _send(portal, source.parent)
        peer = _copy_and_hash(source, portal.folder / "copy.mrc")
    name = f"one file of {size / GIB:g} GiB, agent to verified"
    yield Figure(name, "MB/s", size / seconds / 1e6, command, {"cp, sync and sha256sum": size / peer / 1e6})
    yield Figure(f"agent memory, {name}", "MB", agent_peak, command, less_is_better=True, aim="under 100 MB")
    yield Figure(f"portal memory (all processes), {name}", "MB", portal_peak, command, less_is_better=True)


def write_random(path: Path, size: int) -> Path:
    """A file that does not compress: blocks of a SHAKE stream, different in each file of a run by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = hashlib.shake_128(path.name.encode()).digest(min(size, 2**24))
    with path.open("wb") as file:
        for start in range(0, size, len(block)):
            file.write(block[: size - start])
    return path


def _send(portal: Stage, folder: Path) -> tuple[float, float, float]:
    """Seconds until verified, and the peaks of agent and portal in MB."""
    began = time.perf_counter()
    agent = portal.start_agent("send", str(folder), "--title", "Bench", "--json")
    with peak_memory(agent.pid) as of_agent, peak_memory(*portal.pids) as of_portal:
        portal.await_agent(agent)
    return time.perf_counter() - began, of_agent.megabytes, of_portal.megabytes


def _copy_and_hash(source: Path, target: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sync", target], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_benches([measure])
