"""Memory of a process and all its children while something runs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

EVERY = 0.05  # seconds


class Peak:
    """``megabytes``: the largest proportional set size seen (shared pages are divided among those who share them)."""

    megabytes = 0.0


@contextmanager
def peak_memory(*pids: int) -> Iterator[Peak]:
    """Watches the process trees of ``pids`` until the block ends."""
    peak, stop = Peak(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(pids, peak, stop), daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()


def _watch(pids: tuple[int, ...], peak: Peak, stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        peak.megabytes = max(peak.megabytes, sum(_tree_bytes(pid) for pid in pids) / 1e6)


def _tree_bytes(pid: int) -> int:
    try:
        root = psutil.Process(pid)
        return sum(_bytes_of(process) for process in [root, *root.children(recursive=True)])
    except psutil.NoSuchProcess:
        return 0


def _bytes_of(process: psutil.Process) -> int:
    try:
        with open(f"/proc/{process.pid}/smaps_rollup") as rollup:  # noqa: PTH123  (read twenty times a second)
            return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)


def _resident(process: psutil.Process) -> int:
    try:
        return 0 if process.pid == os.getpid() else int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
