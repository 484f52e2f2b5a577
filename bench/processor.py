"""Processor time of a server: its process and all below it."""

from contextlib import suppress

import psutil


def processor_seconds(*pids: int) -> float:
    """User and system time of the process trees of ``pids`` until now, those of ended children with it."""
    return sum(_of_process(process) for pid in pids for process in _tree(pid))


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _of_process(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0
