"""Files that change, vanish or keep changing while they are being sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labcourier_agent import senders
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored

MIB = 1024 * 1024


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "stack.mrc").write_bytes(os.urandom(20 * MIB))
    return folder / "stack.mrc"


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "LONGEST_SETTLING", 0.05)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_that_grows_while_it_is_sent_is_noticed_and_sent_again(
    ada: Agent, portal: LoopbackPortal, stack: Path
) -> None:
    def grow() -> None:
        with stack.open("ab") as file:
            file.write(b"more")

    portal.faults = [Fault("PATCH", after=10 * MIB, meanwhile=grow)]
    result = ada("send", stack.parent)
    assert result.code == 0
    assert "changed while it was being sent. It is sent again." in result.err
    assert portal.asked("DELETE", "/tus/") == 1
    assert stored(portal) == digests(stack.parent)


def test_a_change_after_the_last_byte_was_read_is_noticed(ada: Agent, portal: LoopbackPortal, stack: Path) -> None:
    def touch() -> None:
        stack.write_bytes(os.urandom(20 * MIB))

    late = Fault("PATCH", after=20 * MIB - 1, meanwhile=touch, status=503)
    portal.faults = [late]
    assert ada("send", stack.parent).code == 0
    assert stored(portal) == digests(stack.parent)


def test_a_file_that_is_replaced_by_one_of_equal_size_and_time_is_noticed(
    ada: Agent, portal: LoopbackPortal, stack: Path
) -> None:
    before = stack.stat()

    def replace() -> None:
        other = stack.with_suffix(".tmp")
        other.write_bytes(os.urandom(20 * MIB))
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(stack)

    portal.faults = [Fault("PATCH", after=10 * MIB, meanwhile=replace)]
    result = ada("send", stack.parent)
    assert result.code == 0
    assert "changed while it was being sent" in result.err
    assert stored(portal) == digests(stack.parent)


def test_a_file_that_becomes_shorter_is_noticed(ada: Agent, portal: LoopbackPortal, stack: Path) -> None:
    portal.faults = [Fault("PATCH", after=MIB, meanwhile=lambda: stack.write_bytes(b"short"))]
    assert ada("send", stack.parent).code == 0
    assert stored(portal) == digests(stack.parent)


def test_what_changes_after_it_was_sent_is_sent_again_before_closing(
    ada: Agent, portal: LoopbackPortal, data: Path, stack: Path
) -> None:
    def change_what_is_there() -> None:
        wait_until(lambda: portal.dataset.files["one.tif"].state == "verified")
        (data / "one.tif").write_bytes(b"better")

    portal.faults = [Fault("PATCH", after=MIB, meanwhile=change_what_is_there, status=503)]
    assert ada("send", data, stack.parent).code == 0
    assert stored(portal) == digests(data) | digests(stack.parent)


def test_a_file_that_never_stops_changing_does_not_stop_the_others(
    ada: Agent, portal: LoopbackPortal, data: Path, stack: Path
) -> None:
    def grow() -> None:
        with stack.open("ab") as file:
            file.write(b"more")

    portal.faults = [Fault("PATCH", after=0, times=1000, meanwhile=grow, status=503)]
    result = ada("send", data, stack.parent, "--json")
    assert result.code == 5
    assert [(failure["path"], failure["fault"]) for failure in result.document["failed"]] == [("stack.mrc", "changing")]
    assert result.document["verified"] == 3
    assert portal.dataset.state == "open"
    portal.faults = []
    assert ada("send", data, stack.parent).code == 0


def test_a_file_that_vanishes_halfway_is_withdrawn_and_the_dataset_is_complete_without_it(
    ada: Agent, portal: LoopbackPortal, data: Path, stack: Path
) -> None:
    portal.faults = [Fault("PATCH", after=MIB, meanwhile=stack.unlink)]
    result = ada("send", data, stack.parent, "--json")
    assert result.code == 8
    assert [(entry["path"], entry["fault"]) for entry in result.document["failed"]] == [("stack.mrc", "withdrawn")]
    assert "no longer there" in result.document["failed"][0]["reason"]
    assert "Vanished before they were sent: 1." in result.err
    assert (result.document["files"], result.document["verified"]) == (3, 3)
    assert stored(portal) == digests(data)
    assert portal.dataset.state == "closed"
    assert ada("send", data, stack.parent).code == 0


def test_a_file_that_comes_back_after_it_was_withdrawn_is_sent(
    ada: Agent, portal: LoopbackPortal, data: Path, stack: Path
) -> None:
    portal.faults = [Fault("PATCH", after=MIB, meanwhile=lambda: stack.rename(stack.parent.parent / "away"))]
    portal.refused_names = {"one.tif"}
    assert ada("send", data, stack.parent).code == 4
    portal.refused_names = set()
    (stack.parent.parent / "away").rename(stack)
    assert ada("send", data, stack.parent).code == 0
    assert stored(portal) == digests(data) | digests(stack.parent)


def test_an_older_portal_leaves_a_dataset_open_whose_file_vanished(
    ada: Agent, portal: LoopbackPortal, data: Path, stack: Path
) -> None:
    portal.knows_withdrawing = False
    portal.faults = [Fault("PATCH", after=MIB, meanwhile=stack.unlink)]
    result = ada("send", data, stack.parent, "--json")
    assert result.code == 1
    assert result.document["failed"][0]["fault"] == "gone"
    assert portal.dataset.state == "open"


def test_a_file_that_vanishes_before_it_was_announced_is_simply_not_part_of_it(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    gone = data / "temporary.tmp"
    gone.touch()
    portal.faults = [Fault("GET", "/api/v1/connection", meanwhile=gone.unlink, status=503)]
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
