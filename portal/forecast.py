"""When a disk is full, by a straight line through what it held lately; pure arithmetic.

The line is that of least squares over the last 30 days. How far it can be trusted is told by the days themselves: what
is added differs from day to day, and the steps' scatter around the line, taken as independent, gives the error of its
slope. (The scatter of the points around the line would not: each day begins where the last one ended, so neighbours lie
on the same side of it, and the line looks more certain than it is.) The range is that of two such errors either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import sqrt
from typing import Literal

WINDOW = timedelta(days=30)
SHORTEST = timedelta(days=7)
FEWEST = 5  # measurements
APART = timedelta(hours=12)
HORIZON = 3650.0  # days; what lies beyond is not told
ERRORS = 2.0

Sample = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Forecast:
    """``per_day``: bytes; ``full_on``, ``earliest`` and ``latest`` are None where they lie beyond ten years.

    ``unknown``: too little was measured. ``full``: there is no room now. ``filling``: the
    line reaches the end within ten years. ``steady``: it does not; ``earliest`` is told when it still may.
    """

    kind: Literal["unknown", "full", "filling", "steady"]
    per_day: float = 0.0
    full_on: date | None = None
    earliest: date | None = None
    latest: date | None = None


def forecast(samples: Sequence[Sample], *, room: int, now: datetime) -> Forecast:
    """``samples``: moments and bytes used, oldest first; ``room``: bytes until it counts as full."""
    window = _apart([sample for sample in samples if now - WINDOW <= sample[0] <= now])
    points = [((moment - now) / timedelta(days=1), float(used)) for moment, used in window]
    days = points[-1][0] - points[0][0] if points else 0.0
    if room <= 0:
        return Forecast("full")
    if days < SHORTEST / timedelta(days=1) or len(points) < FEWEST:
        return Forecast("unknown")
    slope = _slope(points)
    error = ERRORS * _slope_error(points, slope)
    full_on = _reached(room, slope, now)
    return Forecast(
        "filling" if full_on else "steady",
        slope,
        full_on,
        _reached(room, slope + error, now),
        _reached(room, slope - error, now),
    )


def _apart(samples: Sequence[Sample]) -> list[Sample]:
    """Without those that a later one follows within half a day: a minute's change is no day's."""
    return [each for each, after in pairwise(samples) if after[0] - each[0] >= APART] + list(samples[-1:])


def forecast_words(told: Forecast) -> str:
    """``about 12 Mar 2027 (20 Feb 2027 to 30 Apr 2027)``; the same for every reader, so in days of UTC."""
    if told.kind == "unknown":
        return "not known yet (it takes a week of measurements)"
    if told.kind == "full":
        return "full now"
    if told.full_on is None:
        return f"not in sight, {_day(told.earliest)} at the earliest" if told.earliest else "not in sight"
    if told.latest is None:
        return f"about {_day(told.full_on)} ({_day(told.earliest)} at the earliest, perhaps not at all)"
    if told.earliest == told.latest:
        return f"about {_day(told.full_on)}"
    return f"about {_day(told.full_on)} ({_day(told.earliest)} to {_day(told.latest)})"


def _day(day: date | None) -> str:
    return f"{day:%-d %b %Y}" if day else "now"


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line of least squares."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread


def _slope_error(points: Sequence[tuple[float, float]], slope: float) -> float:
    """Of a mean of independent steps, whose variance grows with their length."""
    steps = [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(points)]
    variance = sum((added - slope * length) ** 2 / length for length, added in steps) / (len(steps) - 1)
    return sqrt(variance / sum(length for length, _ in steps))


def _reached(room: int, per_day: float, now: datetime) -> date | None:
    if per_day <= 0 or room / per_day > HORIZON:
        return None
    return (now + timedelta(days=room / per_day)).date()
