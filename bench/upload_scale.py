"""Very many small files: does twice the number take twice the time, and does memory stay?"""

import time
from collections.abc import Iterator

from bench.command_line import run_benches
from bench.figures import Figure
from bench.memory import peak_memory
from bench.stage import Stage, stage
from bench.upload_data import write_small_files

SIZE = 4096


def measure(quick: bool) -> Iterator[Figure]:
    count = 5_000 if quick else 100_000
    command = ".venv/bin/python -m bench.uploads" + (" --quick" if quick else "")
    with stage() as portal:
        for number in (count, 2 * count):
            seconds, agent_peak, portal_peak = _send(portal, number)
            name = f"{number:,} files of 4 KiB"
            aim = "< 60 s" if number == 100_000 else ""
            yield Figure(f"{name}, to verified", "s", seconds, command, less_is_better=True, aim=aim)
            yield Figure(f"agent memory, {name}", "MB", agent_peak, command, less_is_better=True, aim="< 100 MB")
            yield Figure(f"portal memory, {name}", "MB", portal_peak, command, less_is_better=True, aim="flat")


def _send(portal: Stage, count: int) -> tuple[float, float, float]:
    """Seconds until verified, and the peaks of the agent and of all the portal's processes in MB."""
    source = write_small_files(portal.folder / f"tiny-{count}", count, (SIZE, SIZE))
    began = time.perf_counter()
    agent = portal.start_agent("send", str(source), "--title", source.name, "--json")
    with peak_memory(agent.pid) as of_agent, peak_memory(*portal.pids) as of_portal:
        portal.await_agent(agent)
    return time.perf_counter() - began, of_agent.megabytes, of_portal.megabytes


if __name__ == "__main__":
    run_benches([measure])
