"""A year of retention in seconds, compared with a plain model: three projects, two schedulers, a week of silence."""

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keeping import due
from keeping.models import KeepingQuerySet
from keeping.services import facts, retention
from tests.keeping.plain_retention import Model
from tests.keeping.year_machine import Machine
from tests.keeping.year_of_data import YEAR_BEGINS, Life, draw_lives, draw_ticks
from tests.portal.many_connections import shared_database

FEWEST = {
    "reads that it goes": 250, "hears that it went": 80, "deleted 20": 60, "purged 20": 50, "restored": 15,
    "owner keeps": 5, "owner agrees": 5, "person keeps": 2, "person agrees": 5, "extended": 8, "held": 6, "class": 25,
    "renewed": 30, "not theirs": 20,
}  # fmt: skip


def on_days(ticks: list[datetime], days: range) -> set[datetime]:
    return {at for at in ticks if (at - YEAR_BEGINS).days in days}


def test_a_year_of_retention_is_what_a_plain_model_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The mail server is away for three weeks, too; clocks are changed on the crowded days."""
    dice = random.Random(293)  # noqa: S311
    lives = draw_lives(dice, 60, range(290))
    ticks = draw_ticks(dice, range(380), silence=range(180, 187))
    deaf, crowded = on_days(ticks, range(235, 256)), on_days(ticks, range(62, 98))
    expected = Model(lives).live_through(ticks, deaf)
    with shared_database(tmp_path):
        says = Machine(lives, monkeypatch).live_through(ticks, deaf, crowded)
    assert sorted(says - expected) == []
    assert sorted(expected - says) == []
    assert sum(len(life.shares) for life in lives) > 200
    assert {what: count for what, least in FEWEST.items() if (count := happened(what, says)) < least} == {}


def happened(what: str, says: set[str]) -> int:
    return sum(what in sentence and not sentence.endswith("refused") for sentence in says)


real_filter = KeepingQuerySet.filter


def filter_that_sees_no_holds(self: KeepingQuerySet, *conditions: object, **wanted: object) -> KeepingQuerySet:
    wanted.pop("held_at__isnull", None)
    return real_filter(self, *conditions, **wanted)


def facts_without_holds(**given: Any) -> due.Facts:
    return due.Facts(**{**given, "held": False})


def deleted_a_day_early(known: due.Facts, policy: due.Policy, now: datetime) -> bool:
    return due.deletion_due(known, policy, now + timedelta(days=1))


def planned_without_notice(known: due.Facts, policy: due.Policy, now: datetime) -> datetime:
    return known.counted_from or now


def counted_from_queueing(known: due.Facts, policy: due.Policy, now: datetime) -> datetime:
    return known.warned_at or now


FAULTS: dict[str, list[tuple[object, str, object]]] = {
    "none": [],
    "nobody is warned a week before": [(due, "WARNINGS", (14, 1))],
    "deleted a day early": [(retention, "deletion_due", deleted_a_day_early)],
    "holds are ignored": [
        (KeepingQuerySet, "filter", filter_that_sees_no_holds),
        (facts, "Facts", facts_without_holds),
    ],
    "a silent week takes the notice away": [(due, "_notice_begins", planned_without_notice)],
    "mails that wait count as sent": [
        (due, "_notice_begins", counted_from_queueing),
        (due, "reached_nobody", lambda *_: False),
        (retention, "reached_nobody", lambda *_: False),
    ],
    "whoever got it wrongly agrees": [(facts._Link, "is_astray", False)],
    "bytes go without grace": [
        (KeepingQuerySet, "to_purge", lambda self, now: self.filter(deleted_at__isnull=False, purged_at__isnull=True))
    ],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: four months with a week in which nobody looks, and another without a mail server."""
    lives, ticks = four_months()
    deaf = on_days(ticks, range(66, 76))
    expected = Model(lives).live_through(ticks, deaf)
    for target, name, value in FAULTS[fault]:
        monkeypatch.setattr(target, name, value)
    assert (Machine(lives, monkeypatch).live_through(ticks, deaf) == expected) is (fault == "none")


def four_months() -> tuple[list[Life], list[datetime]]:
    dice = random.Random(3)  # noqa: S311
    return draw_lives(dice, 14, range(35)), draw_ticks(dice, range(120), silence=range(50, 57))
