"""How fast, and when: limits that hold over all senders, hours by the clock on the wall."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from labcourier_agent import hours
from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.exits import Interrupted
from labcourier_agent.timetable import parse_schedule, parse_timetable
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal

MIB = 1 << 20


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026, which begins on a Sunday: the 2nd is a Monday."""
    return datetime(2026, 11, day, hour, minute)  # noqa: DTZ001 by the clock on the wall


def test_a_single_rate_always_holds() -> None:
    assert parse_timetable("20M").rate_at(at(1, 0)) == 20 * MIB
    assert parse_timetable("1.5k").rate_at(at(1, 0)) == 1536
    assert parse_timetable("off").rate_at(at(1, 0)) is None


def test_a_timetable_holds_from_hour_to_hour_and_over_midnight() -> None:
    table = parse_timetable("08:00,5M 19:00,off 12:30,1M")
    rates = [table.rate_at(at(3, hour, minute)) for hour, minute in ((7, 59), (8, 0), (12, 29), (12, 30), (19, 0))]
    assert rates == [None, 5 * MIB, 5 * MIB, MIB, None]


def test_a_timetable_may_name_days() -> None:
    table = parse_timetable("Mon-08:00,5M Fri-18:00,off")
    assert [table.rate_at(at(day, 9)) for day in (1, 2, 6, 7)] == [None, 5 * MIB, 5 * MIB, None]
    assert table.rate_at(at(2, 7)) is None


@pytest.mark.parametrize(
    "text", ["", "fast", "0M", "08:00", "8,5M", "25:00,5M", "08:00,5M 08:00,6M", "Xyz-08:00,1M", "5"]
)
def test_what_is_no_limit_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_timetable(text)


def test_a_schedule_is_open_at_its_hours_also_past_midnight() -> None:
    schedule = parse_schedule("22:00-06:00 12:00-13:00")
    moments = ((21, 59), (22, 0), (0, 0), (5, 59), (6, 0), (12, 0), (13, 0))
    assert [schedule.is_open(at(3, *moment)) for moment in moments] == [False, True, True, True, False, True, False]


@pytest.mark.parametrize("text", ["", "22:00", "22:00-22:00", "22-06", "26:00-06:00"])
def test_what_is_no_schedule_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse_schedule(text)


def test_all_senders_together_keep_to_the_limit() -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    bandwidth = Bandwidth(parse_timetable("400K"), sleep=sleep)
    sent: list[int] = []

    def send() -> None:
        sent.extend(len(part) for part in bandwidth.pace([b"x" * 100 * 1024]))

    began = time.monotonic()
    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 400 * 1024
    assert time.monotonic() - began > 0.7
    assert max(waits) < 0.6  # each waits for its turn among four, a slice each, not for the others' whole work


def test_a_limit_that_changes_is_felt_within_a_slice() -> None:
    clock = [at(3, 7)]
    waits: list[float] = []
    bandwidth = Bandwidth(parse_timetable("08:00,8M 19:00,off"), now=lambda: clock[0], sleep=waits.append)
    parts = bandwidth.pace([b"x" * MIB, b"y" * MIB])
    assert len(next(parts)) == MIB
    clock[0] = at(3, 9)
    assert len(next(parts)) == 64 * 1024
    assert waits
    clock[0] = at(3, 20)
    assert len(next(parts)) == MIB - 64 * 1024


def test_a_dataset_is_sent_as_slowly_as_wanted_and_arrives_whole(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    for name in "abc":
        (tmp_path / "run" / f"{name}.tif").write_bytes(name.encode() * 200_000)
    began = time.monotonic()
    result = ada("send", tmp_path / "run", "--bwlimit", "400K")
    assert result.code == 0, result.err
    assert time.monotonic() - began > 1.0
    assert sum(file.size for file in portal.dataset.files.values() if file.state == "verified") == 600_000


def test_when_its_hours_end_work_is_stopped_and_begun_again_when_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    class Work:
        def __init__(self) -> None:
            self.stopped = threading.Event()
            begun.append(self)

        def execute(self) -> None:
            if len(begun) == 1 and self.stopped.wait(10):
                raise Interrupted

        def stop(self) -> None:
            self.stopped.set()

    begun: list[Work] = []
    answers = iter([False, False, True, True, False, False, True])
    monkeypatch.setattr(hours, "may_work", lambda schedule: next(answers, True))
    monkeypatch.setattr(hours, "LOOK_EVERY", 0.01)
    hours.execute_in_hours(Work, parse_schedule("22:00-06:00"))
    assert [work.stopped.is_set() for work in begun] == [True, False]


@pytest.mark.parametrize(
    "options", [("--bwlimit", "fast"), ("--schedule", "night"), ("--only", "x"), ("--include", "/")]
)
def test_options_that_make_no_sense_are_refused(ada: Agent, data: Path, options: tuple[str, str]) -> None:
    result = ada("send", data, *options)
    assert result.code == 2
    assert options[0] in result.err
