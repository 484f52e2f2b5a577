"""Killed, interrupted or started twice: the same command sends only what is missing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labcourier_agent import upload
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored

MIB = 1024 * 1024
SIZE = 40 * MIB
REQUESTS = [
    ("GET", "/api/v1/connection"),
    ("POST", "/api/v1/datasets"),
    ("POST", "/tus/"),
    ("PATCH", "/tus/"),
    ("GET", "/api/v1/bundles/"),
    ("GET", "/api/v1/datasets/"),
]
Start = Callable[..., "subprocess.Popen[str]"]


class Gate:
    """Holds a request in the middle until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def hold(self) -> None:
        self.reached.set()
        assert self.opened.wait(60)

    def wait(self) -> None:
        assert self.reached.wait(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "stack.mrc").write_bytes(os.urandom(SIZE))
    for number in range(20):
        (folder / f"{number:02}.tif").write_bytes(os.urandom(1000))
    return folder


def hold_patch(portal: LoopbackPortal, after: int) -> Gate:
    gate = Gate()
    portal.faults = [Fault("PATCH", after=after, meanwhile=gate.hold)]
    return gate


def test_after_kill_minus_nine_only_the_rest_is_sent(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    gate = hold_patch(portal, 15 * MIB)
    process = start("send", folder, "--title", "Run 7")
    gate.wait()
    process.send_signal(signal.SIGKILL)
    process.wait()
    gate.opened.set()
    assert ada("send", folder, "--title", "Run 7").code == 0
    assert stored(portal) == digests(folder)
    assert portal.received["stack.mrc"] == SIZE
    assert all(portal.received[f"{number:02}.tif"] == 1000 for number in range(20))


def test_many_kills_cost_nothing_that_was_acknowledged(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    for kill in range(3):
        gate = hold_patch(portal, 5 * MIB + kill * 100_000)
        process = start("send", folder)
        gate.wait()
        process.kill()
        process.wait()
        gate.opened.set()
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert portal.received["stack.mrc"] == SIZE
    assert len(portal.datasets) == 1


def test_a_kill_while_the_dataset_is_made_leaves_one_dataset(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    gate = Gate()
    portal.faults = [Fault("GET", "/api/v1/connection"), Fault("POST", "/api/v1/datasets", lose=True)]
    late = Fault("POST", "/api/v1/datasets", times=1, meanwhile=gate.hold)
    portal.faults.append(late)
    process = start("send", data)
    gate.wait()
    process.kill()
    process.wait()
    gate.opened.set()
    assert len(portal.datasets) == 1
    assert ada("send", data).code == 0
    assert portal.dataset.state == "closed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_says_how_to_go_on(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start, number: int
) -> None:
    gate = hold_patch(portal, 15 * MIB)
    process = start("send", folder, "--title", "Run 7", "--json")
    gate.wait()
    process.send_signal(number)
    gate.opened.set()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert '"exit_code": 130' in out
    assert f"run the same again: labcourier send {folder} --title 'Run 7' --json" in err
    assert "Traceback" not in err
    assert ada("send", folder, "--title", "Run 7").code == 0
    assert stored(portal) == digests(folder)
    assert portal.received["stack.mrc"] == SIZE


def test_an_interruption_at_any_moment_is_heeded(ada: Agent, portal: LoopbackPortal, data: Path, start: Start) -> None:
    """From the first look to the question for a verdict: every request once is the one during which it comes."""
    portal.take_bundles()
    (data / "large.mrc").write_bytes(os.urandom(9 * MIB))
    for number, (method, prefix) in enumerate(REQUESTS):
        gate = Gate()
        portal.faults = [Fault(method, prefix, meanwhile=gate.hold, status=503)]
        process = start("send", data, "--title", f"Run {number}")
        gate.wait()
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        gate.opened.set()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, (method, prefix, err)
        assert "To go on, run the same again" in err
        assert "Traceback" not in err
        assert ada("send", data, "--title", f"Run {number}").code == 0


def test_a_dead_line_does_not_hold_back_an_interruption(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    gate = Gate()
    portal.faults = [Fault("GET", "/api/v1/connection", meanwhile=gate.hold)]
    process = start("send", data)
    gate.wait()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=40) == 130  # the line would be dead for longer
    gate.opened.set()


def test_a_program_started_in_the_background_leaves_ctrl_c_to_the_one_in_front(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    """A shell starts `command &` with SIGINT ignored; Ctrl-C reaches the whole group, and is meant for another."""
    gate = Gate()
    portal.faults = [Fault("GET", "/api/v1/connection", meanwhile=gate.hold, status=503)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = start("send", data)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gate.wait()
    process.send_signal(signal.SIGINT)
    gate.opened.set()
    assert process.wait(timeout=60) == 0


def test_the_same_command_twice_at_once_is_told_to_wait(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    gate = hold_patch(portal, 15 * MIB)
    process = start("send", folder)
    gate.wait()
    second = ada("send", folder)
    assert second.code == 5
    assert "running already" in second.err
    gate.opened.set()
    assert process.wait(timeout=60) == 0


def test_another_dataset_can_be_sent_at_the_same_time(
    ada: Agent, portal: LoopbackPortal, folder: Path, data: Path, start: Start
) -> None:
    gate = hold_patch(portal, 15 * MIB)
    process = start("send", folder)
    gate.wait()
    assert ada("send", data).code == 0
    gate.opened.set()
    assert process.wait(timeout=60) == 0


def test_a_detail_that_differs_begins_another_dataset_and_names_the_first(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", data, "--to", "rita@example.org").code == 4
    portal.refused_names = set()
    other = ada("send", data, "--to", "bob@example.org")
    assert other.code == 0
    assert len(portal.datasets) == 2
    assert f"go on with the one before: labcourier send {data}" in other.err
    assert "--to rita@example.org" in other.err


def test_what_was_sent_is_known_by_its_content_when_a_mount_gives_new_file_ids(
    ada: Agent, portal: LoopbackPortal, data: Path, tmp_path: Path
) -> None:
    portal.refused_names = {"deep/er/empty.txt"}
    assert ada("send", data).code == 4
    written_at = (data / "two größer.tif").stat().st_mtime_ns
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    shutil.rmtree(data)
    copy.rename(data)
    (data / "two größer.tif").write_bytes(b"new" * 2000)
    os.utime(data / "two größer.tif", ns=(written_at, written_at))
    portal.refused_names = set()
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
    assert portal.received == {"one.tif": 3000, "two größer.tif": 12_000}


def test_a_restart_asks_about_files_it_cannot_be_sure_of(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    """Killed after the portal took the file, before the answer: not sent again."""
    gate = Gate()
    portal.faults = [Fault("POST", "/tus/", times=1, lose=True), Fault("POST", "/tus/", meanwhile=gate.hold)]
    process = start("send", data, "--transfers", "1")
    gate.wait()
    process.kill()
    process.wait()
    gate.opened.set()
    sent = dict(portal.received)
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
    assert all(portal.received[path] == size for path, size in sent.items())


def test_a_dataset_closed_by_somebody_else_ends_the_run_and_says_what_to_do(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", data).code == 4
    portal.refused_names = set()
    del portal.dataset.files["deep/er/empty.txt"]
    portal.dataset.state = "closed"
    again = ada("send", data)
    assert again.code == 4
    assert "--new" in ada("send", data).err
    assert ada("send", data, "--new").code == 0
    assert len(portal.datasets) == 2


def test_an_unfinished_dataset_that_is_gone_from_the_portal_is_made_again(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", data).code == 4
    portal.refused_names = set()
    portal.datasets.clear()
    again = ada("send", data)
    assert again.code == 0
    assert "is made again" in again.err
    assert stored(portal) == digests(data)


def test_a_revoked_token_stops_the_run_and_a_new_one_goes_on(
    ada: Agent, portal: LoopbackPortal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PATCH_BYTES", 10 * MIB)
    portal.faults = [Fault("PATCH", after=5 * MIB, status=401, code="token_revoked")]
    result = ada("send", folder)
    assert result.code == 4
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert portal.received["stack.mrc"] == SIZE
