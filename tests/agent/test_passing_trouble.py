"""Trouble that passes is waited out; nothing starts over because of it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from labcourier_agent import patience, upload, verdicts
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored

MIB = 1024 * 1024
SIZE = 12 * MIB


@pytest.fixture
def large(tmp_path: Path) -> Path:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "stack.mrc").write_bytes(bytes(range(251)) * (SIZE // 251) + bytes(SIZE % 251))
    return folder


EVERYWHERE = [
    ("GET", "/api/v1/connection"),
    ("POST", "/api/v1/datasets"),
    ("POST", "/tus/"),
    ("HEAD", "/tus/"),
    ("PATCH", "/tus/"),
    ("GET", "/api/v1/datasets/"),
]


@pytest.mark.parametrize("status", [408, 423, 429, 500, 502, 504])
def test_a_passing_answer_is_waited_out(ada: Agent, portal: LoopbackPortal, large: Path, status: int) -> None:
    portal.faults = [Fault("PATCH", "/tus/", times=2, status=status)]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)
    assert portal.received == {"stack.mrc": SIZE}


@pytest.mark.parametrize(("method", "prefix"), EVERYWHERE)
def test_a_portal_that_is_restarting_is_waited_for(
    ada: Agent, portal: LoopbackPortal, large: Path, method: str, prefix: str
) -> None:
    (large / "small.tif").write_bytes(b"small")
    portal.faults = [Fault(method, prefix, times=2, status=503)]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)
    assert portal.received == {"stack.mrc": SIZE, "small.tif": 5}


@pytest.mark.parametrize(("method", "prefix"), EVERYWHERE)
def test_a_reset_connection_is_taken_up_again(
    ada: Agent, portal: LoopbackPortal, large: Path, method: str, prefix: str
) -> None:
    portal.faults = [Fault(method, prefix, times=2)]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)


@pytest.mark.parametrize(("method", "prefix"), EVERYWHERE)
def test_a_lost_answer_does_no_harm(ada: Agent, portal: LoopbackPortal, large: Path, method: str, prefix: str) -> None:
    portal.faults = [Fault(method, prefix, times=2, lose=True)]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)
    assert portal.received == {"stack.mrc": SIZE}


def test_a_lost_answer_to_a_small_file_does_not_send_it_twice(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.faults = [Fault("POST", "/tus/", times=3, lose=True)]
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
    assert portal.received == {"one.tif": 3000, "two größer.tif": 6000}


def test_a_lost_answer_to_closing_counts_as_closed(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    close = Fault("POST", "", lose=True)
    close.matches = lambda method, path: path.endswith("/close") and close.times > 0  # type: ignore[method-assign]
    portal.faults = [close]
    assert ada("send", data).code == 0
    assert portal.dataset.state == "closed"


def test_a_line_cut_in_the_middle_goes_on_at_the_byte_the_portal_has(
    ada: Agent, portal: LoopbackPortal, large: Path
) -> None:
    portal.faults = [Fault("PATCH", after=5 * MIB), Fault("PATCH", after=2 * MIB)]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)
    assert portal.asked("PATCH", "/tus/") == 3
    assert portal.asked("HEAD", "/tus/") == 2
    assert portal.received == {"stack.mrc": SIZE}


def test_a_wrong_offset_is_answered_by_asking_for_the_true_one(ada: Agent, portal: LoopbackPortal, large: Path) -> None:
    portal.faults = [Fault("PATCH", status=409, code="wrong_offset")]
    assert ada("send", large).code == 0
    assert portal.asked("HEAD", "/tus/") == 1
    assert portal.received == {"stack.mrc": SIZE}


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_is_gone_is_made_anew(ada: Agent, portal: LoopbackPortal, large: Path, status: int) -> None:
    portal.faults = [Fault("PATCH", after=4 * MIB, status=status), Fault("HEAD", status=status)]
    assert ada("send", large).code == 0
    assert portal.asked("POST", "/tus/") == 2
    assert stored(portal) == digests(large)


def test_an_upload_said_to_be_gone_by_mistake_is_not_started_over(
    ada: Agent, portal: LoopbackPortal, large: Path
) -> None:
    portal.faults = [Fault("PATCH", after=4 * MIB, status=404)]
    assert ada("send", large).code == 0
    assert portal.asked("POST", "/tus/") == 1
    assert portal.received == {"stack.mrc": SIZE}


def test_the_portal_is_asked_again_no_sooner_than_it_wishes(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.faults = [Fault("GET", "/api/v1/connection", status=503, headers={"Retry-After": "1"})]
    began = time.monotonic()
    result = ada("send", data)
    assert result.code == 0
    assert time.monotonic() - began >= 1.0
    assert "Trying again in 1 s" in result.err


def test_a_full_portal_is_waited_for_and_the_person_is_told(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.faults = [Fault("POST", "/tus/", times=5, status=507)]
    result = ada("send", data)
    assert result.code == 0
    assert result.err.count("no room left") == 1


def test_a_portal_that_stays_full_ends_the_run_for_later(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "NO_ROOM_PATIENCE", 0.05)
    full = Fault("POST", "/tus/", times=10_000, status=507)
    portal.faults = [full]
    result = ada("send", data, "--json")
    assert result.code == 5
    assert "make room" in result.document["error"]
    full.times = 0
    assert ada("send", data).code == 0


def test_a_digest_that_does_not_match_once_sends_the_file_again(
    ada: Agent, portal: LoopbackPortal, data: Path, large: Path
) -> None:
    portal.corrupt_times = {"one.tif": 1, "stack.mrc": 2}
    result = ada("send", data, large)
    assert result.code == 0, result.err
    assert portal.received["one.tif"] == 6000
    assert portal.received["stack.mrc"] == 3 * SIZE
    assert result.err.count("one.tif: ") == 1
    assert result.err.count("It is sent again.") >= 2


def test_a_digest_that_never_matches_ends_with_its_own_code(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.corrupt_times = {"one.tif": 99}
    result = ada("send", data, "--json")
    assert result.code == 6
    assert [failure["path"] for failure in result.document["failed"]] == ["one.tif"]
    assert result.document["failed"][0]["fault"] == "corrupt"
    assert result.document["verified"] == 2
    assert portal.received["one.tif"] == 4 * 3000
    portal.corrupt_times = {}
    assert ada("send", data).code == 0
    assert portal.dataset.state == "closed"


def test_a_file_the_portal_took_and_forgot_is_sent_again(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "ARRIVAL_GRACE", 0.0)
    portal.forgets = {"one.tif"}
    assert ada("send", data).code == 0
    assert portal.received["one.tif"] == 6000
    assert stored(portal) == digests(data)


def test_small_parts_survive_a_storm_of_faults(
    ada: Agent, portal: LoopbackPortal, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PATCH_BYTES", MIB)
    monkeypatch.setattr(upload, "WHOLE", 1000)
    portal.faults = [
        fault
        for at in range(8)
        for fault in (
            Fault("PATCH", after=at * 100_000),
            Fault("PATCH", lose=True),
            Fault("PATCH", status=503),
            Fault("HEAD", status=423),
            Fault("PATCH", status=409),
        )
    ]
    assert ada("send", large).code == 0
    assert stored(portal) == digests(large)
    assert portal.received == {"stack.mrc": SIZE}


@pytest.mark.parametrize("chosen", ["0", "-3", "2.5", "soon"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(
    ada: Agent, large: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("LABCOURIER_TIMEOUT", chosen)
    result = ada("send", large)
    assert result.code == 2
    assert f"LABCOURIER_TIMEOUT={chosen}: write whole seconds" in result.err


def test_an_answer_that_does_not_come_is_given_up_after_the_chosen_time(
    ada: Agent, portal: LoopbackPortal, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABCOURIER_TIMEOUT", "1")
    done = threading.Event()
    portal.faults = [
        Fault("HEAD", "/tus/", meanwhile=lambda: done.wait(90)),
        Fault("PATCH", "/tus/", times=1, status=503),
    ]
    began = time.monotonic()
    assert ada("send", large).code == 0
    assert time.monotonic() - began < 60
    done.set()
