"""What can happen to one large file that comes over several connections: each with a clear end."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labcourier_agent.fetching import fetchers, stretches
from tests.agent.conftest import Agent
from tests.agent.one_file_portal import Asked, OneFilePortal, Said

KIB = 1024
SIZE = 8 * 1024 * KIB
OLD, NEW = (random.Random(seed).randbytes(SIZE) for seed in ("old", "new"))  # noqa: S311

Get = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetchers, "IN_STRETCHES_FROM", 4096 * KIB)
    monkeypatch.setattr(stretches, "LEAST", 512 * KIB)
    monkeypatch.setattr(stretches, "NOTED", 128 * KIB)
    monkeypatch.setattr(stretches, "NOTED_EVERY", 0)
    monkeypatch.setattr(stretches, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(stretches, "ENOUGH", float("inf"))
    monkeypatch.setattr(stretches, "MEASURED_OVER", 0)


@pytest.fixture
def one() -> Iterator[OneFilePortal]:
    with OneFilePortal(OLD) as portal:
        yield portal


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def get(agent: Agent, one: OneFilePortal, dest: Path) -> Get:
    def run(*options: str) -> dict[str, Any]:
        result = agent("get", one.link, dest, "--json", *options)
        document: dict[str, Any] = result.document
        assert document["exit_code"] == result.code
        return document

    return run


def unfinished(dest: Path) -> list[str]:
    return [path.name for path in dest.rglob("*.labcourier-part")]


def test_lines_that_break_again_and_again_cost_no_byte_twice(get: Get, one: OneFilePortal, dest: Path) -> None:
    one.says = lambda asked: Said(cut_after=300 * KIB)
    fetched = get()
    assert (fetched["exit_code"], fetched["bytes_fetched"]) == (0, SIZE)
    assert (dest / "stack.mrc").read_bytes() == OLD


def test_another_version_in_the_middle_ends_it_and_the_next_command_begins_again(
    get: Get, one: OneFilePortal, dest: Path
) -> None:
    def change(asked: Asked) -> Said:
        if asked.number == 6:
            one.content = NEW
        return Said()

    one.says = change
    told = get()
    assert (told["exit_code"], told["verified"]) == (5, 0)
    assert "changed at the portal" in told["failed"][0]["reason"]
    fetched = get()
    assert (fetched["exit_code"], fetched["bytes_fetched"]) == (0, SIZE)
    assert (dest / "stack.mrc").read_bytes() == NEW
    assert not unfinished(dest)


def test_a_wrong_digest_is_followed_by_one_stream_from_the_beginning(get: Get, one: OneFilePortal, dest: Path) -> None:
    one.says = lambda asked: Said(damaged=asked.start == SIZE // 16)
    fetched = get()
    assert (fetched["exit_code"], fetched["bytes_fetched"]) == (0, 2 * SIZE)
    assert [asked.is_part for asked in one.asked][-2:] == [True, False]
    assert (dest / "stack.mrc").read_bytes() == OLD


def test_a_digest_that_stays_wrong_is_told_and_nothing_is_left(get: Get, one: OneFilePortal, dest: Path) -> None:
    one.says = lambda asked: Said(damaged=True)
    told = get()
    assert (told["exit_code"], told["verified"], told["bytes_fetched"]) == (6, 0, 2 * SIZE)
    assert [path.name for path in dest.iterdir()] == ["manifest-sha256.txt"]


@pytest.mark.parametrize("first", [0, 5])
def test_where_ranges_are_ignored_it_comes_in_one_stream(get: Get, one: OneFilePortal, dest: Path, first: int) -> None:
    one.says = lambda asked: Said(whole=asked.number >= first)
    assert get()["exit_code"] == 0
    assert not one.asked[-1].is_part
    assert (dest / "stack.mrc").read_bytes() == OLD


def test_a_portal_that_asks_for_patience_is_left_alone_and_then_asked_over_fewer_connections(
    get: Get, one: OneFilePortal, dest: Path
) -> None:
    refused_at: list[float] = []

    def refuse(asked: Asked) -> Said:
        if asked.number < 4 or asked.at > (refused_at or [asked.at])[0] + 1.5:
            return Said()
        refused_at.append(asked.at)
        one.most_at_once = 0
        return Said(status=429, retry_after=3)

    one.says = refuse
    fetched = get("--bwlimit", "16M")
    assert (fetched["exit_code"], fetched["bytes_fetched"]) == (0, SIZE)
    after = [asked.at for asked in one.asked if asked.at > refused_at[-1]]
    assert min(after) - refused_at[-1] > 1.5
    assert 1 <= one.most_at_once <= 2
    assert (dest / "stack.mrc").read_bytes() == OLD


def test_the_limit_holds_for_all_connections_together(get: Get, one: OneFilePortal) -> None:
    fetched = get("--bwlimit", "8M")
    assert fetched["exit_code"] == 0
    assert len({asked.line for asked in one.asked}) == 4
    assert fetched["seconds"] > 0.7


def test_what_one_connection_began_several_go_on_with_and_the_other_way_round(
    get: Get, one: OneFilePortal, dest: Path
) -> None:
    reached = [0]

    def end_the_link(most: int) -> Callable[[Asked], Said]:
        first = len(one.asked)
        return lambda asked: Said(cut_after=most) if asked.number == first else Said(status=404)

    for connections in ("1", "4", "1"):
        one.says = end_the_link(1024 * KIB)
        told = get("--connections", connections)
        assert told["exit_code"] == 4
        reached.append(told["bytes_fetched"])
    one.says = lambda asked: Said()
    assert get()["bytes_fetched"] == SIZE - sum(reached)
    assert (dest / "stack.mrc").read_bytes() == OLD
