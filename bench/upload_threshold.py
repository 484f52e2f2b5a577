"""Up to which size files should travel in bundles: the same files, bundled and with a request each."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.command_line import run_benches
from bench.figures import Figure
from bench.stage import Stage, stage
from bench.upload_data import write_small_files

KIB = 1024
SIZES = [64 * KIB, 512 * KIB, 2048 * KIB, 8192 * KIB, 16384 * KIB]
TOTAL = 512 * 1024 * KIB  # bytes for each size
COMMAND = ".venv/bin/python -m bench.upload_threshold"


def measure(quick: bool) -> Iterator[Figure]:
    total = TOTAL // 16 if quick else TOTAL
    command = COMMAND + (" --quick" if quick else "")
    alone = dict(_rates(total, "0"))
    for size, rate in _rates(total, str(max(SIZES))):
        claim = f"files of {size // KIB:,} KiB in bundles, to verified"
        yield Figure(claim, "MB/s", rate, command, {"the same files alone": alone[size]})


def _rates(total: int, threshold: str) -> Iterator[tuple[int, float]]:
    with stage(LABCOURIER_BUNDLE_THRESHOLD_BYTES=threshold) as portal:
        for size in SIZES:
            source = write_small_files(portal.folder / f"files-{size}", total // size, (size, size))
            yield size, total / 1e6 / _seconds(portal, source)


def _seconds(portal: Stage, source: Path) -> float:
    began = time.perf_counter()
    portal.send(source)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_benches([measure])
