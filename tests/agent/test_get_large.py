"""One large file of the real server over several connections, on a line where each connection gets little."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from labcourier_agent.fetching.stretches import MIB, NOTED
from tests.agent.test_get import Rita, until
from tests.agent.throttling_proxy import ThrottlingProxy
from tests.sharing.handover import Handover, handed_over

NAME = "stack.mrc"
SIZES = {NAME: 72 * MIB}
RATE = 20_000_000.0
# Passed by the line, not read yet, when a disk is slow.
IN_SOCKETS = 24 * MIB


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("portal"), SIZES) as handed:
        yield handed


@pytest.fixture
def line(handed: Handover) -> Iterator[ThrottlingProxy]:
    handed.forget()
    proxy = ThrottlingProxy(handed.portal.port, RATE)
    with proxy.running():
        yield proxy


def at(place: Path, handed: Handover, line: ThrottlingProxy) -> Rita:
    return Rita(place, f"{line.address}{handed.address}")


def noted(rita: Rita) -> int:
    """Bytes that the journal knows to be here."""
    (journal,) = (rita.home / "agent").rglob("get/*.sqlite3")
    with closing(sqlite3.connect(journal)) as database:
        return int(database.execute("select coalesce(sum(stop - start), 0) from stretches").fetchone()[0])


def is_whole(rita: Rita) -> bool:
    assert {path.name for path in rita.dest.iterdir()} == {NAME, "manifest-sha256.txt"}
    return (rita.dest / NAME).read_bytes() == random.Random(NAME).randbytes(SIZES[NAME])  # noqa: S311


def test_four_connections_bring_it_several_times_as_fast_and_the_receipt_is_whole(
    handed: Handover, line: ThrottlingProxy, tmp_path: Path
) -> None:
    alone, together = at(tmp_path / "1", handed, line), at(tmp_path / "4", handed, line)
    slow = alone.get("--connections", "1")
    handed.forget()
    fast = together.get()
    assert (slow["bytes_fetched"], fast["bytes_fetched"]) == (SIZES[NAME],) * 2
    assert slow["seconds"] > SIZES[NAME] / RATE * 0.9
    assert slow["seconds"] / fast["seconds"] > 1.8
    assert is_whole(alone)
    assert is_whole(together)
    receipt = handed.receipt()
    assert (receipt["state"], receipt["bytes_sent"], receipt["requests"]) == ("verified", SIZES[NAME], 4)
    assert handed.link_state() == "verified"


def test_after_kill_9_only_what_was_not_yet_on_the_disk_comes_again(
    handed: Handover, line: ThrottlingProxy, tmp_path: Path
) -> None:
    rita = at(tmp_path, handed, line)
    killed = rita.start()
    until(lambda: line.passed > 60_000_000)
    killed.kill()
    killed.communicate()
    passed, here = line.passed, noted(rita)
    assert passed - 4 * NOTED - IN_SOCKETS < here < passed
    line.rate = 1e12
    fetched = rita.get()
    assert fetched["bytes_fetched"] == SIZES[NAME] - here
    assert line.passed < SIZES[NAME] + 4 * NOTED + IN_SOCKETS
    assert is_whole(rita)
    assert not [*(rita.home / "agent").rglob("get/*.sqlite3")]
