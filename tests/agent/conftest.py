"""Ada's computer: a home of its own, a folder of data, and the agent as a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labcourier_agent import cli, patience
from tests.agent.loopback_portal import TOKEN, LoopbackPortal


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Agent = Callable[..., Result]


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with LoopbackPortal() as portal:
        yield portal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABCOURIER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(patience, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(patience, "LONGEST_DELAY", 0.2)
    return tmp_path / "home"


@pytest.fixture
def agent(home: Path, capsys: pytest.CaptureFixture[str]) -> Agent:
    """Runs one command in this process."""

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Result(code, told.out, told.err)

    return run


@pytest.fixture
def ada(agent: Agent, portal: LoopbackPortal) -> Agent:
    """The agent, connected to the portal."""
    assert agent("connect", portal.url, "--token", TOKEN).code == 0
    return agent


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with three small files, one of them empty and nested."""
    folder = tmp_path / "data"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "one.tif").write_bytes(b"one" * 1000)
    (folder / "two größer.tif").write_bytes(b"two" * 2000)
    (folder / "deep" / "er" / "empty.txt").touch()
    return folder


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the agent as a process of its own; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []
    # Tests that were started in the background by a shell (`make test &`) have SIGINT ignored, and so would the agent.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "labcourier_agent", *map(str, arguments)],
            env=os.environ | {"LABCOURIER_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    signal.signal(signal.SIGINT, before)
    for process in running:
        process.kill()
        process.communicate()
