"""One large file over several connections, on a line where each connection gets little, by the command as it is."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from labcourier_agent.fetching.stretches import MIB
from tests.agent.one_file_portal import OneFilePortal
from tests.agent.test_get import Rita, until
from tests.agent.throttling_proxy import ThrottlingProxy

SIZE = 72 * MIB
RATE = 25_000_000.0


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random("stack.mrc").randbytes(SIZE)  # noqa: S311


@pytest.fixture
def one(content: bytes) -> Iterator[OneFilePortal]:
    with OneFilePortal(content) as portal:
        yield portal


@pytest.fixture
def line(one: OneFilePortal) -> Iterator[ThrottlingProxy]:
    proxy = ThrottlingProxy(urlsplit(one.link).port or 0, RATE)
    with proxy.running():
        yield proxy


def at(place: Path, one: OneFilePortal, line: ThrottlingProxy) -> Rita:
    return Rita(place, f"{line.address}{urlsplit(one.link).path}")


def noted(rita: Rita) -> int:
    """Bytes that the journal knows to be here."""
    journal = next((rita.home / "agent").rglob("get/*.sqlite3"), None)
    if journal is None or not rita.dest.exists():
        return 0
    with closing(sqlite3.connect(journal)) as database:
        return int(database.execute("select coalesce(sum(stop - start), 0) from stretches").fetchone()[0])


def is_whole(rita: Rita, content: bytes) -> bool:
    assert {path.name for path in rita.dest.iterdir()} == {"stack.mrc", "manifest-sha256.txt"}
    return (rita.dest / "stack.mrc").read_bytes() == content


def test_four_connections_bring_it_several_times_as_fast(
    one: OneFilePortal, line: ThrottlingProxy, tmp_path: Path
) -> None:
    alone, together = at(tmp_path / "1", one, line), at(tmp_path / "4", one, line)
    slow = alone.get("--connections", "1")
    assert one.most_at_once == 1
    assert max(line.carried.values()) >= SIZE
    line.carried.clear()
    fast = together.get()
    assert one.most_at_once == 4
    assert (slow["bytes_fetched"], fast["bytes_fetched"]) == (SIZE, SIZE)
    assert slow["seconds"] > SIZE / RATE * 0.9
    assert SIZE / max(line.carried.values()) > 1.8  # seconds would tell of this machine as much as of the line
    assert is_whole(alone, one.content)
    assert is_whole(together, one.content)


def test_after_kill_9_only_what_was_not_yet_on_the_disk_comes_again(
    one: OneFilePortal, line: ThrottlingProxy, tmp_path: Path
) -> None:
    rita, line.rate = at(tmp_path, one, line), RATE / 8
    killed = rita.start()
    until(lambda: noted(rita) > 16 * MIB)
    killed.kill()
    killed.communicate()
    passed, here = line.passed, noted(rita)
    assert 16 * MIB < here < min(passed, SIZE)
    line.rate = 1e12
    assert rita.get()["bytes_fetched"] == SIZE - here
    assert line.passed - passed < SIZE - 16 * MIB
    assert is_whole(rita, one.content)
    assert not [*(rita.home / "agent").rglob("get/*.sqlite3")]
