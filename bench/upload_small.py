"""Many small files, one request each: agent to verified. (Bundles, which need no request a file, come beside it.)"""

import hashlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.command_line import run_benches
from bench.figures import Figure
from bench.stage import stage

SIZE = 10 * 1024


def measure(quick: bool) -> Iterator[Figure]:
    count = 200 if quick else 1000
    command = ".venv/bin/python -m bench.upload_small" + (" --quick" if quick else "")
    with stage() as portal:
        source = write_small_files(portal.folder / "small", count)
        began = time.perf_counter()
        portal.await_agent(portal.start_agent("send", str(source), "--title", "Bench", "--json"))
        seconds = time.perf_counter() - began
        peer = _copy_and_hash(source, portal.folder / "copy")
    name = f"{count} files of 10 KiB, agent to verified"
    yield Figure(name, "files/s", count / seconds, command, {"cp, sync each and sha256sum": count / peer})


def write_small_files(folder: Path, count: int) -> Path:
    """``count`` files of 10 KiB, a hundred in each subfolder, all different."""
    for number in range(count):
        path = folder / f"{number // 100:03d}" / f"tile_{number:05d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hashlib.shake_128(str(number).encode()).digest(SIZE))
    return folder


def _copy_and_hash(source: Path, target: Path) -> float:
    """As durable as the portal: each copy is flushed before the next."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", source, target], check=True)
    files = [path for path in target.rglob("*") if path.is_file()]
    for path in files:
        subprocess.run(["sync", path], check=True)
    subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    run_benches([measure])
