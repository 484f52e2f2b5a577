"""What the journal knows, and what the portal says."""

from __future__ import annotations

from pathlib import Path

from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal


def test_before_anything_was_sent_there_is_nothing_to_show(agent: Agent) -> None:
    result = agent("status")
    assert (result.code, result.out) == (0, "")
    assert "Nothing has been sent from here yet." in result.err
    assert agent("status", "--json").document == {"portals": [], "datasets": [], "unreachable": []}


def test_a_complete_dataset_is_shown_with_the_portals_word(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data, "--title", "Run 7").code == 0
    portal.dataset.state = "released"
    result = ada("status")
    assert result.code == 0
    assert result.out.splitlines() == [
        "Run 7: complete (2026-11-20_18.20.37-32-Run 7)",
        "  3 files, 9.0 kB: 3 sent, 3 verified, 0 waiting, 0 failed",
        f"  {portal.url} says: released, 3 verified",
        f"  {portal.url}/datasets/{portal.dataset.id}",
    ]


def test_failures_and_the_way_on_are_shown(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", data, "--title", "Run 7", "--to", "rita@example.org").code == 4
    result = ada("status")
    assert "Run 7: has failures" in result.out
    assert "  failed: one.tif: This name is not possible here. Rename the file." in result.out
    assert f"to go on: labcourier send {data} --portal CRYO --title 'Run 7' --to rita@example.org" in result.out
    (standing,) = ada("status", "--json").document["datasets"]
    assert standing["status"] == "has failures"
    assert standing["files"] == {"total": 3, "sent": 2, "verified": 2, "waiting": 0, "failed": 1}
    assert standing["failed"][0]["path"] == "one.tif"
    assert standing["dataset"]["counts"]["verified"] == 2
    assert standing["portal_asked_now"] is True


def test_a_portal_that_does_not_answer_leaves_what_is_known_here(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    assert ada("send", data).code == 0
    portal.faults = [Fault("GET", times=10)]
    result = ada("status", "--json")
    assert result.code == 0
    assert result.document["datasets"][0]["files"]["verified"] == 3
    assert result.document["datasets"][0]["portal_asked_now"] is False
    assert "What follows is what this computer knows." in result.document["unreachable"][0]


def test_offline_asks_nobody(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data).code == 0
    portal.requests.clear()
    result = ada("status", "--offline")
    assert "said: closed, 3 verified" in result.out
    assert portal.requests == []


def test_the_latest_datasets_come_first_and_no_more_than_asked_for(ada: Agent, data: Path) -> None:
    for title in ("Run 1", "Run 2", "Run 3"):
        assert ada("send", data, "--title", title).code == 0
    document = ada("status", "--limit", "2", "--json").document
    assert [standing["title"] for standing in document["datasets"]] == ["Run 3", "Run 2"]


def test_the_token_is_in_no_output_and_no_file_but_its_own(ada: Agent, data: Path, home: Path) -> None:
    assert ada("send", data).code == 0
    assert "lcu_" not in ada("status", "--json").out + ada("status").out
    holding = [file.name for file in home.rglob("*") if file.is_file() and b"lcu_" in file.read_bytes()]
    assert holding == ["portals.json"]
