"""When the disk is full, and how sure that is."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.forecast import Forecast, forecast

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TB = 10**12


def days_of(*added: int, gap_after: int | None = None) -> list[tuple[datetime, int]]:
    """A measurement a day up to now, with what was added between them."""
    used, samples = 5 * TB, [(NOW - timedelta(days=len(added)), 5 * TB)]
    for number, size in enumerate(added, start=1):
        used += size
        samples.append((NOW - timedelta(days=len(added) - number), used))
    return [s for number, s in enumerate(samples) if gap_after is None or number % gap_after == 0]


STEADY = [TB // 10] * 30
WEEKLY = [TB // 5, TB // 5, TB // 5, TB // 5, TB // 5, 0, 0] * 4


@pytest.mark.parametrize(
    ("samples", "room", "kind", "full_on"),
    [
        ([], TB, "unknown", None),
        (days_of(*STEADY[:6]), TB, "unknown", None),
        (days_of(*STEADY[:7]), TB, "filling", date(2026, 11, 30)),
        (days_of(*STEADY), TB, "filling", date(2026, 11, 30)),
        (days_of(*STEADY, gap_after=5), TB, "filling", date(2026, 11, 30)),
        (days_of(*STEADY[:8], gap_after=4), TB, "unknown", None),
        (days_of(*STEADY), 0, "full", None),
        (days_of(), -1, "full", None),
        (days_of(*[0] * 30), TB, "steady", None),
        (days_of(*[-TB // 10] * 30), TB, "steady", None),
        (days_of(*[1] * 30), TB, "steady", None),
        (days_of(*[-TB] * 20, *STEADY), TB, "filling", date(2026, 11, 30)),
    ],
    ids=[
        "nothing measured",
        "six days",
        "seven days",
        "a month",
        "a portal that slept",
        "too few in eight days",
        "full now",
        "full and never measured",
        "nothing comes",
        "more is deleted than comes",
        "beyond ten years",
        "what was before the last month does not count",
    ],
)
def test_the_day_when_it_is_full(samples: list[tuple[datetime, int]], room: int, kind: str, full_on: date) -> None:
    told = forecast(samples, room=room, now=NOW)
    assert (told.kind, told.full_on) == (kind, full_on)


def test_even_days_leave_no_doubt_and_uneven_ones_do() -> None:
    even = forecast(days_of(*STEADY), room=TB, now=NOW)
    assert even.earliest == even.full_on == even.latest
    weekly = forecast(days_of(*WEEKLY), room=10 * TB, now=NOW)
    assert weekly.earliest
    assert weekly.full_on
    assert weekly.latest
    assert date(2026, 12, 20) < weekly.earliest < weekly.full_on < weekly.latest < date(2027, 6, 1)


def test_one_large_delivery_is_no_trend_to_rely_on() -> None:
    told = forecast(days_of(*[0] * 20, 3 * TB, *[0] * 9), room=TB, now=NOW)
    assert told.kind == "filling"
    assert told.latest is None


def test_a_disk_that_empties_by_chance_may_still_fill() -> None:
    told = forecast(days_of(*[TB, -TB] * 14, -TB), room=TB, now=NOW)
    assert told.kind == "steady"
    assert told.earliest
    assert isinstance(told, Forecast)
    assert told.per_day < 0


def test_what_changed_since_this_morning_makes_no_day_look_wild() -> None:
    calm = days_of(*STEADY)
    told = forecast([*calm[:-1], (NOW - timedelta(minutes=1), calm[-1][1] - TB // 100), calm[-1]], room=TB, now=NOW)
    assert told == forecast(calm, room=TB, now=NOW)


def test_the_rate_is_in_bytes_a_day_whatever_the_hour_of_measuring() -> None:
    hours = [0, 5, -6, 2, 9, -3, 0, 1, 0, -9]
    samples = [(NOW + timedelta(days=n - 10, hours=hour), round(TB * (n + hour / 24))) for n, hour in enumerate(hours)]
    told = forecast(samples, room=TB, now=NOW)
    assert told.per_day == pytest.approx(TB, rel=1e-9)
