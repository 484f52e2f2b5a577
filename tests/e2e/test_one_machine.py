"""``make run`` and ``make demo``: everything starts, everything stops, whatever ends it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from checks.ports import free_port
from demo.visitor import Visitor
from portal.config import ROOT
from tests.e2e.running import EMBEDDED

START_SECONDS = 120


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all starts, so that only the first has to migrate."""
    return tmp_path_factory.mktemp("one-machine") / "var"


@pytest.fixture
def starter(var: Path) -> Iterator["subprocess.Popen[str]"]:
    """``python -m deploy.one_machine`` once it says where it runs."""
    process = start(var)
    yield process
    process.kill()
    process.communicate()


def start(var: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "deploy.one_machine", "--port", str(free_port())]
    env = {**os.environ, **EMBEDDED, "LABCOURIER_VAR": str(var)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if "Labcourier runs at http://127.0.0.1:" in line:
            return process
    process.communicate()
    raise AssertionError(f"it never ran: {said}")


def everything_below(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Broker, web and its two processes, worker and its two, beat; the worker's come last."""
    deadline = time.monotonic() + START_SECONDS
    while len(below := psutil.Process(process.pid).children(recursive=True)) < 8:
        assert time.monotonic() < deadline, below
        time.sleep(0.1)
    return below


def assert_gone(processes: list[psutil.Process]) -> None:
    _gone, alive = psutil.wait_procs(processes, timeout=90)
    assert [process.cmdline() for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_asked_to_stop_it_stops_everything_and_ends_well(starter: "subprocess.Popen[str]", number: int) -> None:
    below = everything_below(starter)
    starter.send_signal(number)
    said, _ = starter.communicate(timeout=180)
    assert starter.returncode == 0, said
    assert said.endswith("Stopped.\n")
    assert_gone(below)


@pytest.mark.parametrize(("name", "part_of_command"), [("broker", "valkey-server"), ("worker", "portal worker")])
def test_death_of_one_program_ends_all_and_says_which(
    starter: "subprocess.Popen[str]", name: str, part_of_command: str
) -> None:
    below = everything_below(starter)
    direct = psutil.Process(starter.pid).children()
    (victim,) = [process for process in direct if part_of_command in " ".join(process.cmdline())]
    victim.kill()
    said, _ = starter.communicate(timeout=180)
    assert starter.returncode == 1
    assert f"{name} ended by itself, so everything is stopped." in said
    assert_gone(below)


def test_killed_it_leaves_nothing_behind(starter: "subprocess.Popen[str]") -> None:
    below = everything_below(starter)
    starter.kill()
    assert_gone(below)


def test_second_portal_in_the_same_folder_is_refused(starter: "subprocess.Popen[str]", var: Path) -> None:
    with pytest.raises(AssertionError, match=f"A portal already runs in {var} .process {starter.pid}."):
        start(var)


def test_demo_checks_every_step_and_leaves_nothing_running(var: Path) -> None:
    port = free_port()
    env = {**os.environ, **EMBEDDED, "LABCOURIER_VAR": str(var)}
    command = [sys.executable, "-m", "demo", "--once", "--port", str(port)]
    began = time.monotonic()
    outcome = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert time.monotonic() - began < 180
    told = json.loads((var / "demo.json").read_text())
    assert (var / "demo.json").stat().st_mode & 0o777 == 0o600
    assert told["portal"] == f"http://127.0.0.1:{port}"
    assert told["tus_endpoint"] == told["portal"] + "/tus/"
    assert set(told["logins"]) == {"staff", "manager", "member"}
    assert told["share_link"].startswith(told["portal"] + "/s/")
    assert told["upload_token"].startswith("lcu_")
    assert {"project", "dataset"} <= set(told)
    with pytest.raises(OSError, match="refused"):
        Visitor().read(told["portal"])


def test_demo_sends_a_folder_of_ones_own(var: Path, tmp_path: Path) -> None:
    data = tmp_path / "my data"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "a.txt").write_text("mine\n")
    env = {**os.environ, **EMBEDDED, "LABCOURIER_VAR": str(var)}
    command = [sys.executable, "-m", "demo", "--once", "--port", str(free_port()), "--data", str(data)]
    outcome = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=500, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "1 files (0.0 MB) from your folder arrived" in outcome.stdout
    assert (data / "sub" / "a.txt").read_text() == "mine\n"


def test_demo_refuses_a_taken_port_before_anything_starts(tmp_path: Path) -> None:
    env = {**os.environ, **EMBEDDED, "LABCOURIER_VAR": str(tmp_path / "var")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-m", "demo", "--once", "--port", str(listener.getsockname()[1])]
        outcome = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert outcome.returncode == 1
    assert "cannot be used" in outcome.stderr
    assert not (tmp_path / "var" / "run").exists()
