"""Accesses per day, by way, as a plot: a bounded window, one grouped query, and the numbers for the table behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Count, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Substr

from portal.audit_search import in_period
from portal.models import AuditEvent

DAYS = 30
WAYS = {"zip": "everything as a zip", "file": "single files", "manifest": "checksums"}
# Each request is an event: those that go on with a download, and programs that only look, are no access of their own.
ONE_EACH = {"kind": "downloaded", "detail__counted": True, "detail__start": 0}
WIDTH, HEIGHT, LEFT, TOP, RIGHT = 960, 200, 48, 12, 24
GAP = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """One way on one day; x, y, width and height in the units of the drawing."""

    way: str
    title: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    label: str
    position: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Days are those of UTC, the same for whoever looks."""

    days: list[date]
    ways: dict[str, str]
    rows: list[tuple[date, list[int], int]]
    bars: list[Bar]
    day_ticks: list[Tick]
    count_ticks: list[Tick]
    total: int
    width: int = LEFT + WIDTH + RIGHT
    height: int = TOP + HEIGHT + 28
    left: int = LEFT
    bottom: int = TOP + HEIGHT

    @property
    def last(self) -> date:
        return self.days[-1]


def plot_accesses(events: QuerySet[AuditEvent], last: date, days: int = DAYS) -> Plot:
    """The ``days`` days up to ``last``. Cost: one grouped query, besides two look-ups of its bounds."""
    window = [last - timedelta(days=back) for back in reversed(range(days))]
    counts = _counts(events, window)
    ways = {way: WAYS.get(way, way) for way in [*WAYS, *sorted({way for _, way in counts} - WAYS.keys())]}
    rows = [(day, [counts.get((day, way), 0) for way in ways]) for day in window]
    highest = nice_ceiling(max(sum(numbers) for _, numbers in rows))
    return Plot(
        days=window,
        ways=ways,
        rows=[(day, numbers, sum(numbers)) for day, numbers in rows],
        bars=_bars(rows, list(ways), highest),
        day_ticks=[
            Tick(f"{day:%-d %b}", _middle(number, days)) for number, day in enumerate(window) if number % 5 == 4
        ],
        count_ticks=[Tick(str(count), _height_at(count, highest)) for count in (0, highest // 2, highest)],
        total=sum(counts.values()),
    )


def nice_ceiling(number: int) -> int:
    """The top of an axis: 2, 4, 10, 20, 40, 100 ... so that its half is whole."""
    top = 2
    while top < number:
        top = top * 5 // 2 if str(top)[0] == "4" else top * 2
    return top


def _counts(events: QuerySet[AuditEvent], window: Sequence[date]) -> dict[tuple[date, str], int]:
    begin = datetime.combine(window[0], time.min, UTC)
    taken = in_period(events, begin, begin + timedelta(days=len(window))).filter(**ONE_EACH)
    # Both databases hold moments in UTC: the first ten characters are the day, and no function is called for each row.
    day, way = Substr(Cast("at", TextField()), 1, 10), KT("detail__what")
    grouped = taken.order_by().values_list(day, way).annotate(Count("pk"))
    return {(date.fromisoformat(text), what or "other"): number for text, what, number in grouped}


def _bars(rows: Sequence[tuple[date, list[int]]], ways: Sequence[str], highest: int) -> list[Bar]:
    step = WIDTH / len(rows)
    bars = []
    for number, (day, numbers) in enumerate(rows):
        below = 0
        for way, count in zip(ways, numbers, strict=True):
            if count:
                top = _height_at(below + count, highest)
                height = _height_at(below, highest) - top
                x = LEFT + step * (number + GAP / 2)
                title = f"{day:%-d %B}: {count} {WAYS.get(way, way)}"
                bars.append(Bar(way, title, round(x, 1), round(top, 1), round(step * (1 - GAP), 1), round(height, 1)))
            below += count
    return bars


def _height_at(count: int, highest: int) -> float:
    return round(TOP + HEIGHT * (1 - count / highest), 1)


def _middle(number: int, days: int) -> float:
    return round(LEFT + WIDTH / days * (number + 0.5), 1)
