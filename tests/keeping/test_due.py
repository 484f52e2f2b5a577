"""When a dataset is deleted and when people are warned, as a table: a month of days after the release."""

from datetime import UTC, datetime, timedelta

import pytest

from keeping.due import (
    Facts,
    Policy,
    deletion_at,
    deletion_due,
    look_again_at,
    reached_nobody,
    warning_due,
    warning_is_over,
)

RELEASED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(number: float) -> datetime:
    return RELEASED + timedelta(days=number)


FIRST = Facts(counted_from=RELEASED)
HELD = Facts(counted_from=RELEASED, held=True)
WARNED = Facts(counted_from=RELEASED, warned_at=day(16), told_at=day(16.9))
UNTOLD = Facts(counted_from=RELEASED, warned_at=day(16))
TOLD_LATE = Facts(counted_from=RELEASED, warned_at=day(16), told_at=day(20))
EXTENDED = Facts(counted_from=RELEASED, extended_until=day(60))
AGREED = Facts(counted_from=RELEASED, agreed_at=day(5))
MONTH, EARLY, EVER = Policy(30), Policy(30, early=True), Policy(None)

TABLE = [
    # facts, policy, now, deletion, warning that is due
    (FIRST, MONTH, day(0), day(30), None),
    (FIRST, MONTH, day(15.9), day(30), None),
    (FIRST, MONTH, day(16), day(30), 14),
    (FIRST, MONTH, day(20), day(34), 14),  # nobody looked for four days: the notice is whole all the same
    (FIRST, MONTH, day(400), day(414), 14),  # the class is new, the data are old
    (WARNED, MONTH, day(22.9), day(30), 14),
    (WARNED, MONTH, day(23), day(30), 7),
    (WARNED, MONTH, day(29), day(30), 1),
    (WARNED, MONTH, day(30), day(30), None),
    (WARNED, MONTH, day(50), day(30), None),
    (UNTOLD, MONTH, day(16.9), day(30), 14),  # the mail may still leave in time
    (UNTOLD, MONTH, day(17), day(31), 14),
    (UNTOLD, MONTH, day(400), day(414), 14),
    (TOLD_LATE, MONTH, day(20), day(34), 14),
    (TOLD_LATE, MONTH, day(27), day(34), 7),
    (TOLD_LATE, MONTH, day(33.9), day(34), 1),
    (TOLD_LATE, MONTH, day(34), day(34), None),
    (Facts(counted_from=RELEASED, warned_at=day(1)), Policy(2), day(1.07), day(2), 1),
    (Facts(counted_from=RELEASED, warned_at=day(1)), Policy(2), day(2), day(3), 1),  # of a day it has less time
    (HELD, MONTH, day(400), None, None),
    (FIRST, EVER, day(4000), None, None),
    (Facts(counted_from=None), MONTH, day(0), None, None),
    (EXTENDED, MONTH, day(29), day(60), None),
    (EXTENDED, MONTH, day(46), day(60), 14),
    (Facts(counted_from=RELEASED, extended_until=day(10)), MONTH, day(1), day(30), None),  # nothing becomes shorter
    (AGREED, MONTH, day(6), day(30), None),
    (AGREED, EARLY, day(6), day(5), None),
    (Facts(counted_from=RELEASED, agreed_at=day(5), extended_until=day(20)), EARLY, day(6), day(30), None),
    (Facts(counted_from=RELEASED, agreed_at=day(5), held=True), EARLY, day(6), None, None),
    (FIRST, Policy(10), day(2.9), day(10), None),  # fourteen days do not fit
    (FIRST, Policy(10), day(3), day(10), 7),
    (FIRST, Policy(2), day(1), day(2), 1),
    (Facts(counted_from=day(90)), MONTH, day(1), day(120), None),  # waits until links end
]


@pytest.mark.parametrize(("facts", "policy", "now", "at", "warning"), TABLE)
def test_deletion_and_warning(
    facts: Facts, policy: Policy, now: datetime, at: datetime | None, warning: int | None
) -> None:
    assert deletion_at(facts, policy, now) == at
    assert warning_due(facts, policy, now) == warning
    assert deletion_due(facts, policy, now) == (at is not None and at <= now)


@pytest.mark.parametrize(("facts", "policy", "now", "at", "warning"), TABLE)
def test_looking_again_only_then_misses_nothing(
    facts: Facts, policy: Policy, now: datetime, at: datetime | None, warning: int | None
) -> None:
    again = look_again_at(facts, policy, now)
    assert again > now
    if facts.told_at or (at and at - now > timedelta(days=14)):
        just_before = again - timedelta(seconds=1)
        assert warning_due(facts, policy, just_before) == warning
        assert deletion_due(facts, policy, just_before) == (at is not None and at <= now)


def test_a_warning_counts_no_more_once_the_day_has_moved_away() -> None:
    later = Facts(counted_from=day(20), warned_at=day(16))
    assert warning_is_over(later, MONTH, day(20))
    assert warning_is_over(Facts(counted_from=RELEASED, warned_at=day(16), held=True), MONTH, day(17))
    assert not warning_is_over(WARNED, MONTH, day(17))


def test_a_warning_that_reached_nobody_in_a_day_counts_no_more() -> None:
    assert look_again_at(UNTOLD, MONTH, day(16)) == day(17)
    assert not reached_nobody(UNTOLD, MONTH, day(16.9))
    assert reached_nobody(UNTOLD, MONTH, day(17))
    assert warning_is_over(UNTOLD, MONTH, day(17))
    assert not reached_nobody(TOLD_LATE, MONTH, day(21))


def test_what_may_come_earlier_is_looked_at_every_day() -> None:
    assert look_again_at(FIRST, EARLY, day(0), may_come_earlier=True) == day(1)
    assert look_again_at(Facts(counted_from=None), MONTH, day(0)) == day(1)
