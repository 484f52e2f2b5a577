"""A portal that was restored from an older backup lacks what was sent since: the agent notices, and sends it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored


@pytest.fixture(params=["bundles", "single files"])
def portal(portal: LoopbackPortal, request: pytest.FixtureRequest) -> LoopbackPortal:
    if request.param == "bundles":
        portal.take_bundles()
    return portal


@pytest.fixture
def many(data: Path) -> Path:
    for number in range(25):
        (data / f"{number:02}.tif").write_bytes(b"%d" % number)
    (data / "e\u0301.tif").write_bytes(b"two code points")
    return data


def test_what_it_lacks_of_an_unfinished_dataset_is_sent_again_and_nothing_else(
    ada: Agent, portal: LoopbackPortal, many: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", many).code == 4
    portal.refused_names = set()
    portal.page = 7
    for lost in ("03.tif", "17.tif", "é.tif"):
        del portal.dataset.files[lost]
    portal.dataset.files["20.tif"].stated = "0" * 64
    before = dict(portal.received)
    result = ada("send", many)
    assert result.code == 0
    assert "does not have 4 files any more" in result.err
    again = {path for path, received in portal.received.items() if received != before.get(path)}
    assert again == {"03.tif", "17.tif", "20.tif", "é.tif", "one.tif"}
    assert portal.dataset.state == "closed"


def test_a_complete_dataset_that_is_open_again_is_completed_again(
    ada: Agent, portal: LoopbackPortal, many: Path
) -> None:
    assert ada("send", many).code == 0
    portal.dataset.state = "open"
    for lost in ("03.tif", "one.tif"):
        del portal.dataset.files[lost]
    assert ada("send", many).code == 0
    assert portal.dataset.state == "closed"
    assert len(stored(portal)) == len(digests(many))


def test_a_complete_dataset_that_is_gone_is_said_to_be_gone(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    assert ada("send", many, "--title", "Run 7").code == 0
    portal.datasets.clear()
    result = ada("send", many, "--title", "Run 7")
    assert result.code == 3
    assert "does not have “Run 7” any more, which was sent completely: add --new" in result.err
    assert ada("send", many, "--title", "Run 7", "--new").code == 0
    assert len(portal.dataset.files) == len(digests(many))


def test_an_unfinished_dataset_that_is_gone_is_made_again_with_the_same_key(
    ada: Agent, portal: LoopbackPortal, many: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", many).code == 4
    key = portal.dataset.request["client_key"]
    portal.refused_names = set()
    portal.datasets.clear()
    portal.uploads.clear()
    assert ada("send", many).code == 0
    assert portal.dataset.request["client_key"] == key
    assert len(portal.dataset.files) == len(digests(many))


def test_something_else_that_answers_404_makes_nothing_forgotten(
    ada: Agent, portal: LoopbackPortal, many: Path
) -> None:
    portal.refused_names = {"one.tif"}
    assert ada("send", many).code == 4
    portal.refused_names = set()
    before = dict(portal.received)
    portal.faults = [Fault("GET", "/", times=2, status=404)]
    assert ada("send", many).code == 3
    assert ada("send", many).code == 0
    assert {path for path, received in portal.received.items() if received != before.get(path)} == {"one.tif"}


def test_a_portal_that_cannot_be_asked_changes_nothing_about_what_is_complete(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    assert ada("send", data).code == 0
    portal.faults = [Fault("GET", "/api/v1/datasets/", status=503)]
    result = ada("send", data)
    assert result.code == 0
    assert "what this computer knows" in result.err
