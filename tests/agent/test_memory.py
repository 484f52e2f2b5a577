"""The agent needs less than 100 MB, however large a file and however many files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal

MB = 1_000_000
LIMIT = 100 * MB
Start = Callable[..., "subprocess.Popen[str]"]


def peak_memory(process: subprocess.Popen[str]) -> int:
    """Largest resident set seen until the process ends, in bytes."""
    agent, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        try:
            peak = max(peak, agent.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.01)
    return peak


def test_large_files_do_not_fill_the_memory(ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    for name in ("a.mrc", "b.mrc", "c.mrc", "d.mrc"):
        with (folder / name).open("wb") as file:
            file.truncate(100 * MB)
    peak = peak_memory(process := start("send", folder))
    assert process.wait() == 0
    assert peak < LIMIT
    assert sum(portal.received.values()) == 400 * MB


def test_files_that_go_in_one_request_do_not_fill_the_memory(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start
) -> None:
    folder = tmp_path / "middling"
    folder.mkdir()
    for number in range(24):
        with (folder / f"{number}.tif").open("wb") as file:
            file.truncate(8 * 1024 * 1024 - number * 1000)
    peak = peak_memory(process := start("send", folder))
    assert process.wait() == 0
    assert portal.asked("PATCH", "/tus/") == 0
    assert peak < LIMIT


def test_bundles_of_the_largest_small_files_do_not_fill_the_memory(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start
) -> None:
    """Three bundles at once, of four files of 8 MB each."""
    portal.take_bundles()
    folder = tmp_path / "middling"
    folder.mkdir()
    for number in range(12):
        with (folder / f"{number}.tif").open("wb") as file:
            file.truncate(8 * MB)
    peak = peak_memory(process := start("send", folder))
    assert process.wait() == 0
    assert len(portal.bundles) == 3
    assert peak < LIMIT


def test_many_bundles_do_not_fill_the_memory(ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start) -> None:
    """More than are sent at once: what grows with their number shows. docs/design/agent.md has larger numbers."""
    portal.take_bundles()
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(12_000):
        os.close(os.open(folder / f"{number}.tif", os.O_CREAT | os.O_WRONLY))
    peak = peak_memory(process := start("send", folder, "--transfers", "2"))
    assert process.wait() == 0
    assert len(portal.bundles) == 3
    assert peak < LIMIT


def test_many_files_take_hardly_more_memory_than_few(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start
) -> None:
    """They are listed, announced, asked about; the portal says it has them already, so that this takes seconds."""
    portal.has_everything = True
    peaks = []
    for count in (1_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            os.close(os.open(folder / f"{number}.tif", os.O_CREAT | os.O_WRONLY))
        peaks.append(peak_memory(process := start("send", folder)))
        assert process.wait() == 0
    assert {len(dataset.files) for dataset in portal.datasets.values()} == {1_000, 20_000}
    assert peaks[1] < peaks[0] + 10 * MB < LIMIT
