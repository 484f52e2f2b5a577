"""Two plots of the storage report: what came and was deleted each day, and how a disk fills; with their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from django.db.models import Sum

from portal.audit_plot import Bar, Tick, nice_ceiling
from portal.disks import Disk
from portal.forecast import Sample
from portal.models import StorageDay
from portal.storage_days import Holding
from portal.storage_stores import forecast_of
from portal.templatetags.quantities import size_text

DAYS, AHEAD = 90, 30
WIDTH, HEIGHT, LEFT, TOP, RIGHT = 960, 200, 64, 12, 24
WAYS = {"received": "received", "deleted": "deleted"}
DAY = timedelta(days=1)
GAP = 0.2


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing's measures and axes; days are those of UTC."""

    day_ticks: list[Tick]
    size_ticks: list[Tick]
    width: int = LEFT + WIDTH + RIGHT
    height: int = TOP + HEIGHT + 28
    left: int = LEFT
    right: int = LEFT + WIDTH
    bottom: int = TOP + HEIGHT


@dataclass(frozen=True, slots=True)
class DaysPlot:
    """``rows``: day, bytes received, bytes deleted on it, bytes held at its beginning; newest first. A day whose end
    nobody measured has no bar; ``missing`` counts these days and ``missed`` the bytes that came in them."""

    frame: Frame
    ways: dict[str, str]
    bars: list[Bar]
    rows: list[tuple[date, int, int, int]]
    missing: int
    missed: int


@dataclass(frozen=True, slots=True)
class DiskPlot:
    """``lines`` and ``trend`` as the points of polylines; ``full`` is where the disk ends."""

    frame: Frame
    store: str
    lines: list[str]
    trend: str
    full: float
    rows: list[tuple[date, int]]


def plot_days(now: datetime, present: Sequence[Holding]) -> DaysPlot:
    """The last 90 days, today as far as it has come. Cost: one query."""
    today = now.astimezone(UTC).date()
    steps = _steps(_totals(today, present))
    rows = [(day, came, gone, held) for day, length, came, gone, held in steps if length == 1]
    highest = nice_ceiling(max((max(came, gone) for _, came, gone, _ in rows), default=2))
    return DaysPlot(
        _frame(today - DAYS * DAY, DAYS + 1, highest),
        WAYS,
        [bar for row in rows for bar in _bars_of(row, today - DAYS * DAY, highest)],
        rows[::-1],
        sum(length for _, length, *_ in steps if length > 1),
        sum(came for _, length, came, *_ in steps if length > 1),
    )


def plot_disk(disk: Disk, past: Sequence[Sample], now: datetime) -> DiskPlot:
    """The last 90 days, and where the line through the last 30 leads in the next 30."""
    samples = [*past, (now, disk.used)]
    first = now.astimezone(UTC).date() - DAYS * DAY
    highest = nice_ceiling(disk.usable)
    told = forecast_of(disk, list(past), now)
    ahead = min(max(disk.used + told.per_day * AHEAD, 0), highest)
    trend = [_point(now, disk.used, first, highest), _point(now + AHEAD * DAY, round(ahead), first, highest)]
    return DiskPlot(
        _frame(first, DAYS + AHEAD + 1, highest),
        disk.store,
        [" ".join(_point(*sample, first, highest) for sample in run) for run in _unbroken(samples)],
        " ".join(trend) if told.kind in ("filling", "steady") else "",
        _height_at(disk.usable, highest),
        [(moment.astimezone(UTC).date(), used) for moment, used in reversed(samples)],
    )


Total = tuple[date, int, int]
Step = tuple[date, int, int, int, int]


def _totals(today: date, present: Sequence[Holding]) -> list[Total]:
    """Day, bytes held and bytes deleted until then, of all projects; the present last, as if it were tomorrow."""
    measured = StorageDay.objects.filter(day__gte=today - DAYS * DAY).order_by("day")
    sums = measured.values_list("day").annotate(held=Sum("bytes_held"), deleted=Sum("bytes_deleted"))
    tomorrow = (today + DAY, sum(each.held for each in present), sum(each.deleted for each in present))
    return [*sums, tomorrow]


def _steps(totals: Sequence[Total]) -> list[Step]:
    """From each measurement to the next: its day, how many days, bytes received, deleted, held at its beginning."""
    return [
        (day, (after - day).days, max(0, held_after + gone_after - held - gone), max(0, gone_after - gone), held)
        for (day, held, gone), (after, held_after, gone_after) in pairwise(totals)
    ]


def _bars_of(row: tuple[date, int, int, int], first: date, highest: int) -> list[Bar]:
    day, came, gone, _ = row
    step = WIDTH / (DAYS + 1)
    width = step * (1 - GAP) / 2
    left = LEFT + step * ((day - first).days + GAP / 2)
    bars = []
    for place, (way, size) in enumerate({"received": came, "deleted": gone}.items()):
        if size:
            top = _height_at(size, highest)
            title = f"{day:%-d %B}: {size_text(size)} {way}"
            x, height = left + place * width, TOP + HEIGHT - top
            bars.append(Bar(way, title, round(x, 1), top, round(width, 1), round(height, 1)))
    return bars


def _unbroken(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Runs without a missing day: no line is drawn over what nobody measured."""
    runs: list[list[Sample]] = []
    for sample in samples:
        if runs and (sample[0].date() - runs[-1][-1][0].date()) <= DAY:
            runs[-1].append(sample)
        else:
            runs.append([sample])
    # One point alone is a dot: a line to itself with round ends.
    return [run if len(run) > 1 else run * 2 for run in runs]


def _frame(first: date, days: int, highest: int) -> Frame:
    every = 10
    ticks = [
        Tick(f"{first + place * DAY:%-d %b}", round(LEFT + WIDTH / days * (place + 0.5), 1))
        for place in range(every // 2, days, every)
    ]
    sizes = [Tick(size_text(size), _height_at(size, highest)) for size in (0, highest // 2, highest)]
    return Frame(ticks, sizes)


def _point(moment: datetime, size: int, first: date, highest: int) -> str:
    passed = (moment - datetime.combine(first, time.min, UTC)) / DAY
    x = LEFT + WIDTH / (DAYS + AHEAD + 1) * passed
    return f"{max(LEFT, x):.1f},{_height_at(min(size, highest), highest)}"


def _height_at(size: int, highest: int) -> float:
    return round(TOP + HEIGHT * (1 - size / highest), 1)
