"""The agent needs less than 100 MB, however large a file and however many files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from labcourier_agent.journal import Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.plan import Plan
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
            file.truncate(150 * MB)
    peak = peak_memory(process := start("send", folder))
    assert process.wait() == 0
    assert peak < LIMIT
    assert sum(portal.received.values()) == 600 * MB


def test_files_that_go_in_one_request_do_not_fill_the_memory(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, start: Start
) -> None:
    folder = tmp_path / "middling"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.tif").write_bytes(os.urandom(8 * 1024 * 1024 - number * 1000))
    peak = peak_memory(process := start("send", folder))
    assert process.wait() == 0
    assert portal.asked("PATCH", "/tus/") == 0
    assert peak < LIMIT


@pytest.mark.slow
def test_a_hundred_thousand_files_do_not_fill_the_memory(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, home: Path, start: Start
) -> None:
    """They are listed, announced and known again; the portal says it has them already."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(100_000):
        os.close(os.open(folder / f"{number}.tif", os.O_CREAT | os.O_WRONLY))
    portal.has_everything = True
    peak = peak_memory(process := start("send", folder, "--json"))
    assert process.wait() == 0
    assert len(portal.dataset.files) == 100_000
    assert peak < LIMIT
    plan_of_latest = Journal(home / "journal.sqlite3")
    try:
        (latest,) = plan_of_latest.datasets(1)
        assert isinstance(latest.plan, Plan)
        assert Ledger(plan_of_latest, latest.id).counts().verified == 100_000
    finally:
        plan_of_latest.close()
