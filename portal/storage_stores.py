"""The storage report's first table: how full each store is, and until when there is room."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from portal.disks import Disk, disks
from portal.forecast import Forecast, Sample, forecast, forecast_words
from portal.models import Dataset, DiskDay
from portal.storage_days import BYTES, DELETED
from portal.storage_sections import Cell, Section, size_cell
from portal.stores import store_names
from portal.templatetags.quantities import size_text

NOTHING = Cell("–")
MINUS = "\u2212"
LONGEST = timedelta(days=90)


def stores(now: datetime) -> Section:
    """Cost: two queries, and a question to each disk."""
    held = dict(Dataset.objects.exclude(DELETED).order_by().values_list("store").annotate(held=Sum(BYTES, default=0)))
    of_store = {disk.store: disk for disk in disks()}
    past = disk_history(now)
    names = list(dict.fromkeys([*store_names(), *sorted(held)]))
    return Section(
        "stores",
        "Stores",
        ["Store", "In datasets", "Disk used", "Free", "Grows a day", "In 30 days", "In 90 days", "Full"],
        [_row(name, held.get(name, 0), of_store.get(name), past.get(name, []), now) for name in names],
        lead="The disk counts whatever lies on it. Second copies and uploads on their way are not in datasets.",
    )


def disk_history(now: datetime) -> dict[str, list[Sample]]:
    """What the disk of each store held over the last 90 days, oldest first. Cost: one query."""
    first = (now - LONGEST).astimezone(UTC).date()
    rows = DiskDay.objects.filter(day__gte=first).order_by("day").values_list("store", "measured_at", "used")
    past: defaultdict[str, list[Sample]] = defaultdict(list)
    for store, measured_at, used in rows:
        past[store].append((measured_at, used))
    return dict(past)


def forecast_of(disk: Disk, past: list[Sample], now: datetime) -> Forecast:
    """By what it held on the last days and holds now."""
    return forecast([*past, (now, disk.used)], room=disk.room, now=now)


def _row(name: str, held: int, disk: Disk | None, past: list[Sample], now: datetime) -> list[Cell]:
    if disk is None:
        return [Cell(name), size_cell(held), *[NOTHING] * 5, Cell("not known: the store does not tell")]
    told = forecast_of(disk, past, now)
    return [
        Cell(name),
        size_cell(held),
        size_cell(disk.used, of=disk.usable),
        size_cell(disk.free),
        change_cell(round(told.per_day)) if told.kind in ("filling", "steady") else NOTHING,
        _grown(disk, past, now, 30),
        _grown(disk, past, now, 90),
        Cell(forecast_words(told), state=_alarm(told, now)),
    ]


def change_cell(size: int, since: str = "") -> Cell:
    """Bytes more or fewer, with a sign."""
    sign = "+" if size > 0 else MINUS if size < 0 else ""
    return Cell(f"{sign}{size_text(abs(size))}{since}", size)


def _grown(disk: Disk, past: list[Sample], now: datetime, days: int) -> Cell:
    """Since the first measurement of these days; how many they are when they are fewer."""
    within = [sample for sample in past if sample[0] >= now - timedelta(days=days, hours=12)]
    if not within:
        return NOTHING
    began, used = within[0]
    length = round((now - began) / timedelta(days=1))
    return change_cell(disk.used - used, "" if length >= days - 1 else f" in {length} d")


def _alarm(told: Forecast, now: datetime) -> str:
    """The state to show: the earliest day counts."""
    if told.kind == "full":
        return "full"
    soon = told.earliest and told.earliest - now.date() <= timedelta(days=30)
    return "fills" if soon and told.kind != "unknown" else ""
