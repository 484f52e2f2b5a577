"""The heartbeat: portals know which agents are alive, and trouble with it stops no work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcourier_agent.heartbeat import Heartbeat, agent_id_in
from labcourier_agent.settings import Folders, Portal, Portals
from labcourier_agent.watch_standing import FolderStanding, FolderState, StandingBoard
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import TOKEN
from tests.agent.portal_to_look_at import PortalToLookAt


@pytest.fixture
def portal() -> Iterator[PortalToLookAt]:
    with PortalToLookAt() as portal:
        yield portal


@pytest.fixture
def board(tmp_path: Path) -> StandingBoard:
    board = StandingBoard()
    here = FolderStanding(str(tmp_path), "CRYO", FolderState.WATCHING, 3, 900, 1, "sent with Bearer lcu_secret123")
    elsewhere = FolderStanding("/other", "XRAY", FolderState.MISSING, 7)
    board.post([here, elsewhere])
    board.post_error("No connection for lcu_secret123")
    return board


def known(portal: PortalToLookAt, token: str = TOKEN) -> Callable[[], Portals]:
    return lambda: Portals((Portal("CRYO", portal.url, token, "CRYO"),), "CRYO")


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()


def test_a_portal_hears_about_its_folders_and_of_the_end(
    portal: PortalToLookAt, board: StandingBoard, tmp_path: Path
) -> None:
    with Heartbeat(Folders(tmp_path, tmp_path), known(portal), board):
        wait_until(lambda: len(portal.heartbeats) == 1)
    first, last = portal.heartbeats
    assert (first["stopping"], last["stopping"]) == (False, True)
    (folder,) = first["folders"]
    assert (folder["path"], folder["state"], folder["files_waiting"]) == (str(tmp_path), "watching", 3)
    assert first["queue"] == {"files": 3, "bytes": 900}
    assert first["disk"]["total"] > first["disk"]["free"] > 0
    assert 10 <= first["interval_s"] <= 86400
    assert first["last_error"] == "No connection for lcu_…"
    assert "secret" not in str(portal.heartbeats)
    assert first["agent_id"] == last["agent_id"] == str(agent_id_in(tmp_path))


def test_folders_that_stand_a_moment_later_are_told_without_waiting_for_the_next_minute(
    portal: PortalToLookAt, tmp_path: Path
) -> None:
    board = StandingBoard()
    with Heartbeat(Folders(tmp_path, tmp_path), known(portal), board):
        time.sleep(0.05)
        board.post([FolderStanding(str(tmp_path), "CRYO", FolderState.WATCHING)])
        wait_until(lambda: len(portal.heartbeats) == 1)


def test_it_beats_again_and_again(portal: PortalToLookAt, board: StandingBoard, tmp_path: Path) -> None:
    with Heartbeat(Folders(tmp_path, tmp_path), known(portal), board, interval=0):
        wait_until(lambda: len(portal.heartbeats) > 3)


def test_trouble_is_told_once_and_stops_nothing(
    portal: PortalToLookAt, board: StandingBoard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "labcourier_agent")
    portal.faults = [Fault("POST", times=3, status=503), Fault("POST", times=2)]
    heartbeat = Heartbeat(Folders(tmp_path, tmp_path), known(portal), board)
    for _ in range(6):
        heartbeat.beat()
    assert len(portal.heartbeats) == 1
    assert [record.getMessage() for record in caplog.records if "was not told" in record.getMessage()] == [
        "CRYO was not told how this agent is: Planted 503."
    ]


def test_a_state_folder_that_cannot_be_written_stops_nothing(
    portal: PortalToLookAt, board: StandingBoard, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    Heartbeat(Folders(tmp_path, tmp_path / "file" / "state"), known(portal), board).beat()
    assert portal.heartbeats == []


def test_the_agent_keeps_its_id_and_replaces_a_damaged_one(tmp_path: Path) -> None:
    first = agent_id_in(tmp_path / "state")
    assert agent_id_in(tmp_path / "state") == first
    (tmp_path / "state" / "agent-id").write_text("nonsense")
    assert agent_id_in(tmp_path / "state") != first
