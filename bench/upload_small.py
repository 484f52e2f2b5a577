"""Many small files, agent to verified, beside ways that send a request a file, and rsync."""

import time
from collections.abc import Iterator

from bench.command_line import run_benches
from bench.figures import Figure
from bench.stage import stage
from bench.upload_data import write_small_files
from bench.upload_peers import time_peers

KIB = 1024


def measure(quick: bool) -> Iterator[Figure]:
    count = 2_000 if quick else 20_000
    command = ".venv/bin/python -m bench.uploads" + (" --quick" if quick else "")
    with stage() as portal:
        source = write_small_files(portal.folder / "small", count, (4 * KIB, 64 * KIB))
        began = time.perf_counter()
        portal.send(source)
        seconds = time.perf_counter() - began
        peers = {name: count / taken for name, taken in time_peers(source, portal.folder)}
    aim = "10 times the best that sends a request a file, not slower than rsync"
    yield Figure(f"{count:,} files of 4 to 64 KiB, to verified", "files/s", count / seconds, command, peers, aim=aim)


if __name__ == "__main__":
    run_benches([measure])
