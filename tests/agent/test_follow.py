"""Sending while the instrument writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labcourier_agent import lookout
from labcourier_agent.lookout import Follow, Lookout
from labcourier_agent.stock import Stock
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "LOOK_EVERY", 0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    return tmp_path / "live"


def meanwhile(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def write_slowly(file: Path, parts: int) -> None:
    """Who calls a file stable has to wait far longer than these pauses: a busy machine makes them longer."""
    with file.open("wb") as stream:
        for part in range(parts):
            stream.write(bytes([part]) * 1000)
            stream.flush()
            time.sleep(0.05)


def test_files_are_sent_as_they_are_finished_until_the_marker_appears(
    ada: Agent, portal: LoopbackPortal, folder: Path
) -> None:
    seen_early: list[bool] = []

    def measure() -> None:
        for number in range(3):
            write_slowly(folder / f"{number}.tif", parts=4)
        deadline = time.monotonic() + 60
        while not portal.received.get("0.tif") and time.monotonic() < deadline:
            time.sleep(0.02)
        seen_early.append(bool(portal.received.get("0.tif")))
        write_slowly(folder / "last.tif", parts=4)
        (folder / "DONE").touch()

    microscope = meanwhile(measure)
    result = ada("send", folder, "--follow", "--until-marker", "DONE", "--stable", "1.5")
    microscope.join()
    assert result.code == 0, result.err
    assert seen_early == [True]
    expected = digests(folder)
    del expected["DONE"]
    assert stored(portal) == expected
    assert portal.received == dict.fromkeys(expected, 4000)
    assert portal.dataset.state == "closed"


def test_silence_completes_the_dataset(ada: Agent, portal: LoopbackPortal, folder: Path) -> None:
    microscope = meanwhile(lambda: write_slowly(folder / "only.tif", parts=6))
    began = time.monotonic()
    assert ada("send", folder, "--follow", "--idle", "2", "--stable", "0.1").code == 0
    microscope.join()
    assert time.monotonic() - began >= 2
    assert stored(portal) == digests(folder)


def test_a_file_is_left_alone_until_it_is_stable(ada: Agent, portal: LoopbackPortal, folder: Path) -> None:
    (folder / "one.tif").write_bytes(b"one")
    began = time.monotonic()
    assert ada("send", folder, "--follow", "--idle", "0", "--stable", "0.6").code == 0
    assert time.monotonic() - began >= 0.6


def test_what_vanishes_while_it_settles_was_never_promised(ada: Agent, portal: LoopbackPortal, folder: Path) -> None:
    def write_by_renaming() -> None:
        (folder / "a.tif.part").write_bytes(b"half")
        time.sleep(0.2)
        (folder / "a.tif.part").rename(folder / "a.tif")

    microscope = meanwhile(write_by_renaming)
    assert ada("send", folder, "--follow", "--idle", "2", "--stable", "1.8").code == 0
    microscope.join()
    assert stored(portal).keys() == {"a.tif"}


def test_a_new_version_of_what_was_verified_takes_its_place(ada: Agent, portal: LoopbackPortal, folder: Path) -> None:
    (folder / "summary.csv").write_text("1 image")

    def improve() -> None:
        deadline = time.monotonic() + 60
        while not portal.received and time.monotonic() < deadline:
            time.sleep(0.02)
        (folder / "summary.csv").write_text("2 images")
        (folder / "DONE").touch()

    microscope = meanwhile(improve)
    assert ada("send", folder, "--follow", "--until-marker", "DONE", "--stable", "0.1").code == 0
    microscope.join()
    assert stored(portal)["summary.csv"] == digests(folder)["summary.csv"]


def test_nothing_that_ever_appears_is_nothing_to_send(ada: Agent, portal: LoopbackPortal, folder: Path) -> None:
    result = ada("send", folder, "--follow", "--idle", "0.2")
    assert result.code == 3
    assert portal.datasets == {}


def test_a_marker_counts_only_once_a_later_look_finds_nothing_new(tmp_path: Path) -> None:
    watch = Lookout([str(tmp_path)], Follow(stable=5, idle=None, marker="DONE"))
    watch.begin()
    watch.note(Stock(), quiet=True)
    assert not watch.over
    (tmp_path / "DONE").touch()
    for changed, quiet, over in ((1, True, False), (0, False, False), (0, True, True)):
        watch.begin()
        watch.note(Stock(changed=changed), quiet=quiet)
        assert watch.over is over


def test_a_marker_that_appears_during_a_look_waits_for_the_next(tmp_path: Path) -> None:
    watch = Lookout([str(tmp_path)], Follow(stable=5, idle=None, marker="DONE"))
    watch.begin()
    (tmp_path / "DONE").touch()
    watch.note(Stock(), quiet=True)
    assert not watch.over
