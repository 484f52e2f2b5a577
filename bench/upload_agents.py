"""Fifty agents send at once, mixed sizes: does each get through, and does a page still answer?"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from bench.command_line import run_benches
from bench.figures import Figure, percentile
from bench.stage import Stage, stage
from bench.upload_data import write_random, write_small_files

MIB = 2**20
PAUSE = 0.1  # seconds between two looks at the page


def measure(quick: bool) -> Iterator[Figure]:
    agents, large = (8, 8 * MIB) if quick else (50, 32 * MIB)
    command = ".venv/bin/python -m bench.uploads" + (" --quick" if quick else "")
    with stage() as portal:
        folders = [_folder(portal.folder / f"instrument-{number:02d}", large) for number in range(agents)]
        times, seconds = _send_all(portal, folders)
    name = f"{agents} agents at once, each 1 file of {large // MIB} MiB and 100 small ones"
    yield Figure(f"{name}: all verified", "s", seconds, command, less_is_better=True, aim="no errors")
    yield Figure(f"page, 95th percentile, {name}", "ms", percentile(times, 95) * 1e3, command, aim="< 300 ms")


def _folder(folder: Path, large: int) -> Path:
    write_random(folder / f"{folder.name}.mrc", large)
    write_small_files(folder / "tiles", 100, (4096, 65_536))
    return folder


def _send_all(portal: Stage, folders: list[Path]) -> tuple[list[float], float]:
    """Times of the log-in page meanwhile and of it all, in seconds. Ends the bench when one agent failed."""
    times: list[float] = []
    over = threading.Event()
    looker = threading.Thread(target=_look_at_page, args=(f"{portal.url}/accounts/login/", times, over), daemon=True)
    began = time.perf_counter()
    agents = [portal.start_agent("send", str(folder), "--title", folder.name, "--json") for folder in folders]
    looker.start()
    for agent in agents:
        portal.await_agent(agent)
    seconds = time.perf_counter() - began
    over.set()
    looker.join()
    return times, seconds


def _look_at_page(url: str, times: list[float], over: threading.Event) -> None:
    while not over.wait(PAUSE):
        began = time.perf_counter()
        with urlopen(url, timeout=60) as answer:
            answer.read()
        times.append(time.perf_counter() - began)


if __name__ == "__main__":
    run_benches([measure])
