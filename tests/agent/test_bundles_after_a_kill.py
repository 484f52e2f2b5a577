"""An agent that was killed with a bundle under way goes on with that bundle."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent import loopback_door
from tests.agent.conftest import Agent
from tests.agent.loopback_bundles import StoredBundle
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_interruption import Gate
from tests.agent.test_send import digests, stored

MIB = 1024 * 1024
MANIFEST_AT = 300 * (512 + 10_240)
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def portal(portal: LoopbackPortal) -> LoopbackPortal:
    portal.take_bundles()
    return portal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three hundred files, 3 MiB."""
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.tif").write_bytes(os.urandom(10_000))
    return folder


def kill_at(portal: LoopbackPortal, start: Start, folder: Path, after: int) -> StoredBundle:
    """Returns the bundle as far as it came: the portal keeps what arrived before the line broke."""
    gate = Gate()
    portal.faults = [Fault("PATCH", after=after, meanwhile=gate.hold)]
    process = start("send", folder, "--transfers", "1")
    gate.wait()
    process.kill()
    process.wait()
    gate.opened.set()
    (bundle,) = portal.bundles
    with bundle.writing:
        return bundle


@pytest.mark.parametrize("after", [0, MIB, MANIFEST_AT + 600, MANIFEST_AT + 20_000])
def test_it_goes_on_where_the_portal_is_and_sends_nothing_twice(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The last two are within the manifest, whose digests are in the journal by then."""
    monkeypatch.setattr(loopback_door, "CUT", 500)
    bundle = kill_at(portal, start, folder, after)
    assert after <= len(bundle.body) < bundle.length
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert portal.bundles == [bundle]
    assert bundle.taken == bundle.length


def test_what_changed_meanwhile_is_left_out_of_it_and_sent_after_it(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    """One that was sent before the kill, one that was not, and one that is gone."""
    bundle = kill_at(portal, start, folder, MIB)
    names = [entry.name for entry in os.scandir(folder)]
    first, last, gone = bundle_order(bundle)[0], names[-1], names[-2]
    (folder / first).write_bytes(b"other")
    (folder / last).write_bytes(b"another")
    (folder / gone).unlink()
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert bundle.state == "unpacked"
    assert bundle.taken == bundle.length


def bundle_order(bundle: StoredBundle) -> list[str]:
    """Names of the members that arrived, from their headers: each has 512 bytes, and its content 10 240."""
    body = bytes(bundle.body)
    return [body[at : at + 7].decode() for at in range(0, len(body) - 512, 512 + 10_240)]


def test_a_bundle_that_expired_meanwhile_is_made_anew(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    del portal.uploads[kill_at(portal, start, folder, MIB).id]
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)


def test_a_portal_that_takes_no_bundles_any_more_gets_single_files(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    kill_at(portal, start, folder, MIB)
    portal.bundle_rules = None
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)


def test_a_kill_before_the_verdict_costs_one_question(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    portal.unpacks = False
    process = start("send", folder)
    while portal.asked("GET", "/api/v1/bundles/") == 0:
        time.sleep(0.01)
        assert process.poll() is None
    process.kill()
    process.wait()
    portal.unpacks = True
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert len(portal.bundles) == 1


def test_many_kills_at_any_moment_lose_nothing_and_send_nothing_that_was_acknowledged(
    ada: Agent, portal: LoopbackPortal, folder: Path, start: Start
) -> None:
    chance = random.Random(4)  # noqa: S311 a repeatable choice of moments
    for _ in range(8):
        process = start("send", folder)
        time.sleep(0.25 + chance.random() * 0.3)
        process.kill()
        process.wait()
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    assert len(portal.datasets) == 1
    # One that the portal made for an agent that was killed before it knew is nothing that was acknowledged.
    assert all(bundle.taken in (0, bundle.length) for bundle in portal.bundles)
    assert all(received == 10_000 for received in portal.received.values())
