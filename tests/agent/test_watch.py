"""Watching folders, against the loopback portal."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labcourier_agent import watch, watch_dataset, watch_sittings
from labcourier_agent.journal import Journal
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.watching import by_title, eventually, verified, write_config

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(watch, "TICK", 0.05)
    monkeypatch.setattr(watch_dataset, "LINGER", 0.3)
    monkeypatch.setattr(watch_sittings, "FAREWELL", 2.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scope").mkdir()
    return tmp_path / "scope"


def fill(folder: Path, **files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in files.items():
        (folder / f"{name}.tif").write_bytes(b"x" * size)


def test_once_sends_each_subfolder_as_a_dataset_and_closes_what_is_marked(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    fill(folder / "run-1", a=10, b=20)
    fill(folder / "run-2" / "deep", c=30)
    (folder / "loose.txt").write_text("belongs to none")
    (folder / "run-1" / "DONE").touch()
    write_config(
        home, folder, 'dataset = "subfolder"', 'recipients = ["rita@example.org"]', 'title = "{folder} {subfolder}"',
        '[folder.close]', 'marker = "DONE"',
    )  # fmt: skip
    result = ada("watch", "--once")
    assert result.code == 0, result.err
    datasets = by_title(portal)
    assert {title: (verified(dataset), dataset.state) for title, dataset in datasets.items()} == {
        "scope run-1": ({"a.tif": 10, "b.tif": 20}, "closed"),
        "scope run-2": ({"deep/c.tif": 30}, "open"),
    }
    assert datasets["scope run-1"].request["recipients"] == ["rita@example.org"]
