"""The storage report's tables by project and by instrument."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db.models import Max, Min, Q

from portal.addresses import address_if_any
from portal.models import Instrument, Project, StorageDay
from portal.storage_days import Holding, holdings
from portal.storage_sections import SHOWN, Cell, Section, count_cell, size_cell
from portal.storage_stores import NOTHING, change_cell

Owner = int | None
ROW = ["In datasets", "Files", "Received in 30 days", "Deleted in 30 days", "Grown in 90 days"]


@dataclass(slots=True)
class Sums:
    """By owner."""

    files: Counter[Owner] = field(default_factory=Counter)
    held: Counter[Owner] = field(default_factory=Counter)
    deleted: Counter[Owner] = field(default_factory=Counter)

    def add(self, owner: Owner, *, files: int, held: int, deleted: int) -> None:
        self.files[owner] += files
        self.held[owner] += held
        self.deleted[owner] += deleted

    def received(self, owner: Owner) -> int:
        return self.held[owner] + self.deleted[owner]


def by_project(now: datetime) -> Section:
    """The largest first. Cost: four queries."""
    present = _present(lambda holding: holding.project_id)
    names = Project.objects.in_bulk([owner for owner, _ in present.held.most_common(SHOWN) if owner])
    rows: dict[Owner, Cell] = {
        owner: Cell(project.name, url=project.get_absolute_url()) for owner, project in names.items()
    }
    return _section("projects", "By project", "Project", rows, present, _past(now, "project_id"))


def by_instrument(now: datetime) -> Section:
    """The largest first. Cost: four queries."""
    present = _present(lambda holding: holding.instrument_id)
    owners = [owner for owner, _ in present.held.most_common(SHOWN)]
    found = Instrument.objects.select_related("project").in_bulk([owner for owner in owners if owner])
    rows: dict[Owner, Cell] = {owner: _instrument_cell(each) for owner, each in found.items()}
    if None in owners:
        rows[None] = Cell("sent by people, without an instrument")
    return _section("instruments", "By instrument", "Instrument", rows, present, _past(now, "instrument_id"))


def _instrument_cell(instrument: Instrument) -> Cell:
    address = address_if_any("instrument", instrument.project.code, instrument.slug)
    return Cell(f"{instrument.name} ({instrument.project.name})", url=address)


def _present(owner_of: Callable[[Holding], Owner]) -> Sums:
    sums = Sums()
    for each in holdings():
        sums.add(owner_of(each), files=each.files, held=each.held, deleted=each.deleted)
    return sums


@dataclass(frozen=True, slots=True)
class Past:
    """What was held on the day that the growth of so many days is counted from; ``day`` is None without any."""

    day: date | None
    sums: Sums


def _past(now: datetime, column: str) -> dict[int, Past]:
    """For 30 and 90 days. The day is the last one measured before them, else the first. Cost: two queries."""
    today = now.astimezone(UTC).date()
    ends = {days: today - timedelta(days=days) for days in (30, 90)}
    days = StorageDay.objects.aggregate(
        first=Min("day"), **{f"last_{days}": Max("day", filter=Q(day__lte=end)) for days, end in ends.items()}
    )
    chosen: dict[int, date | None] = {length: days[f"last_{length}"] or days["first"] for length in ends}
    sums = {day: Sums() for day in chosen.values()}
    rows = StorageDay.objects.filter(day__in=[day for day in sums if day])
    for day, owner, files, held, deleted in rows.order_by().values_list(
        "day", column, "files_held", "bytes_held", "bytes_deleted"
    ):
        sums[day].add(owner, files=files, held=held, deleted=deleted)
    return {length: Past(day, sums[day]) for length, day in chosen.items()}


def _section(
    key: str, title: str, noun: str, names: dict[Owner, Cell], present: Sums, past: dict[int, Past]
) -> Section:
    largest = [owner for owner, _ in present.held.most_common(SHOWN)]
    total = sum(present.held.values())
    return Section(
        key,
        title,
        [noun, *ROW],
        [[names[owner], *_cells(owner, present, past, total)] for owner in largest if owner in names],
        lead=_lead(past),
        more=len(present.held) - len(largest),
        empty="No dataset yet.",
    )


def _cells(owner: Owner, present: Sums, past: dict[int, Past], total: int) -> Iterable[Cell]:
    month, quarter = past[30], past[90]
    yield size_cell(present.held[owner], of=total)
    yield count_cell(present.files[owner])
    if month.day is None or quarter.day is None:
        yield from [NOTHING] * 3
        return
    # A dataset that was given to another instrument since takes its past along: nothing was "received" less than 0.
    yield size_cell(max(0, present.received(owner) - month.sums.received(owner)))
    yield size_cell(max(0, present.deleted[owner] - month.sums.deleted[owner]))
    yield change_cell(present.held[owner] - quarter.sums.held[owner])


def _lead(past: dict[int, Past]) -> str:
    days = [each.day for each in past.values()]
    if days[0] is None or days[1] is None:
        return "Growth is known from the day after the first measurement."
    return f"30 days are counted from {days[0]:%-d %b %Y}, 90 days from {days[1]:%-d %b %Y}, the days measured."
