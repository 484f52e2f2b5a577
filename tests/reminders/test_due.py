"""The pure function that says who is due a reminder: hours, weekends, clocks that are changed, and what stops it."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.due import LinkFacts, Policy, Slot, Used, all_slots, due

ROME, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Rome"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
NIGHT = (time(20), time(7, 30))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


START = utc("2026-11-20 18:20")  # a Friday, 19:20 in Rome
LINK = LinkFacts(START, START + timedelta(days=30))
WEEKLY = Policy(ROME)
BEFORE = Policy(ROME, days_before=(14, 7, 1))
QUIET = replace(WEEKLY, quiet=NIGHT, working_days_only=True)
LATE = LinkFacts(utc("2026-11-20 19:20"), utc("2026-12-20 19:20"))  # Friday, 20:20 in Rome

CASES: dict[str, tuple[str, Policy, LinkFacts, int | None]] = {
    # now, policy, link, the day of the slot
    "a second too early": ("2026-11-27 18:19:59", WEEKLY, LINK, None),
    "after a week": ("2026-11-27 18:20", WEEKLY, LINK, 7),
    "a day later, if nobody looked": ("2026-11-28 18:20", WEEKLY, LINK, 7),
    "already reminded in it": ("2026-11-28 18:20", WEEKLY, replace(LINK, reminded=1, last_day=7), None),
    "slots that passed are passed over": ("2026-12-12 18:20", WEEKLY, LINK, 21),
    "every day": ("2026-11-23 18:20", replace(WEEKLY, every_days=1), LINK, 3),
    "turned off": ("2026-11-27 18:20", replace(WEEKLY, reminds=False), LINK, None),
    "often enough": ("2026-12-11 18:20", replace(WEEKLY, most=2), replace(LINK, reminded=2, last_day=14), None),
    "not yet often enough": ("2026-12-11 18:20", replace(WEEKLY, most=2), replace(LINK, reminded=1, last_day=7), 21),
    "revoked": ("2026-11-27 18:20", WEEKLY, replace(LINK, revoked=True), None),
    "answered": ("2026-11-27 18:20", WEEKLY, replace(LINK, answered=True), None),
    "used": ("2026-11-27 18:20", WEEKLY, replace(LINK, used=Used.WHOLE), None),
    "partly used": ("2026-11-27 18:20", WEEKLY, replace(LINK, used=Used.PARTLY), None),
    "partly counts as not": (
        "2026-11-27 18:20",
        replace(WEEKLY, partial_is_used=False),
        replace(LINK, used=Used.PARTLY),
        7,
    ),
    "wholly is wholly": (
        "2026-11-27 18:20",
        replace(WEEKLY, partial_is_used=False),
        replace(LINK, used=Used.WHOLE),
        None,
    ),
    "at its end": ("2026-12-20 18:20", replace(WEEKLY, every_days=30), LINK, None),
    "before its end": ("2026-12-20 18:19", replace(WEEKLY, every_days=29), LINK, 29),
    "before its start": ("2026-11-20 18:19", WEEKLY, LINK, None),
    "fourteen days before the end": ("2026-12-06 18:20", BEFORE, LINK, 16),
    "before that": ("2026-12-06 18:19", BEFORE, LINK, None),
    "seven days before the end": ("2026-12-14 10:00", BEFORE, LINK, 23),
    "the last day": ("2026-12-20 18:19", BEFORE, LINK, 29),
    "longer before the end than it lasts": ("2026-12-01 12:00", replace(BEFORE, days_before=(30,)), LINK, None),
    "given a later end": (
        "2026-12-13 18:20",
        BEFORE,
        replace(LINK, ends_at=LINK.ends_at + timedelta(days=7), reminded=1, last_day=16),
        23,
    ),
    "in quiet hours": ("2026-11-27 19:20", QUIET, LATE, None),
    "on a Saturday morning": ("2026-11-28 06:30", QUIET, LATE, None),
    "on Monday before the hour at which it would have come": ("2026-11-30 06:29", QUIET, LATE, None),
    "on Monday at the end of the quiet hours": ("2026-11-30 06:30", QUIET, LATE, 7),
    "a week of silence ends in the night": ("2026-12-02 03:00", QUIET, LATE, None),
    "a week of silence, next morning": ("2026-12-02 06:30", QUIET, LATE, 7),
    "quiet hours by day": ("2026-11-27 18:20", replace(WEEKLY, quiet=(time(19), time(21))), LINK, None),
    "after quiet hours by day": ("2026-11-27 20:00", replace(WEEKLY, quiet=(time(19), time(21))), LINK, 7),
}


@pytest.mark.parametrize("case", CASES)
def test_due(case: str) -> None:
    now, policy, link, day = CASES[case]
    found = due(utc(now), policy, link)
    assert (found.day if found else None) == day


CLOCKS = {
    # zone, start, days, when it comes
    "an hour earlier after Rome's spring": (ROME, "2026-03-25 09:00", 7, "2026-04-01 08:00"),
    "an hour later after Rome's autumn": (ROME, "2026-10-23 09:00", 7, "2026-10-30 10:00"),
    "New York": (NEW_YORK, "2026-03-06 15:00", 7, "2026-03-13 14:00"),
    "half an hour on Lord Howe": (LORD_HOWE, "2026-04-01 00:00", 7, "2026-04-08 00:30"),
    "an hour that the clocks skip": (ROME, "2026-03-28 01:30", 1, "2026-03-29 01:30"),
    "an hour that they show twice": (ROME, "2026-10-24 00:30", 1, "2026-10-25 00:30"),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_reminders_come_at_the_same_hour_whatever_is_done_to_the_clocks(case: str) -> None:
    zone, start, days, expected = CLOCKS[case]
    policy, link = Policy(zone, every_days=days), LinkFacts(utc(start), utc(start) + timedelta(days=30))
    second = timedelta(seconds=1)
    assert due(utc(expected) - second, policy, link) is None
    assert due(utc(expected), policy, link) == Slot(days, utc(expected))


def some_policy(dice: random.Random) -> Policy:
    quiet = dice.choice([None, NIGHT, (time(9), time(17)), (time(0), time(6))])
    return Policy(
        dice.choice([ROME, NEW_YORK, LORD_HOWE]),
        every_days=dice.randint(1, 9),
        days_before=dice.choice([(), (), (14, 7, 1), (3, 2, 1)]),
        most=dice.choice([None, 1, 3]),
        quiet=quiet,
        working_days_only=dice.random() < 0.5,
    )


@pytest.mark.parametrize("seed", range(30))
def test_the_dates_that_a_manager_is_shown_are_those_on_which_mails_go_out(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    policy, start = some_policy(dice), utc("2026-01-01") + timedelta(minutes=30 * dice.randrange(48 * 365))
    link = LinkFacts(start, start + timedelta(days=dice.randint(2, 40)))
    sent: list[Slot] = []
    now = start
    while now < link.ends_at:
        facts = replace(link, reminded=len(sent), last_day=sent[-1].day if sent else None)
        if slot := due(now, policy, facts):
            assert slot.at == now, "at the first moment, when somebody looks each half hour"
            sent.append(slot)
        now += timedelta(minutes=30)
    assert sent == all_slots(policy, link)


def test_a_link_that_never_began_to_be_reminded_of_shows_no_dates() -> None:
    facts: dict[str, Any] = {"starts_at": START, "ends_at": START + timedelta(days=3)}
    assert all_slots(WEEKLY, LinkFacts(**facts)) == []
    assert all_slots(replace(WEEKLY, every_days=1, reminds=False), LinkFacts(**facts)) == []
