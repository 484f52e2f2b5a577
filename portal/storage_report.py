"""The storage report: when is it full, what goes next? One for the page, the mail and the CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.disks import Disk, disks
from portal.figures import Figure
from portal.forecast import Forecast, forecast_words
from portal.storage_days import Holding, holdings
from portal.storage_plot import DaysPlot, DiskPlot, plot_days, plot_disk
from portal.storage_sections import Section, report_sections
from portal.storage_stores import disk_history, forecast_of
from portal.stores import LOCAL
from portal.templatetags.quantities import counted, size_text


@dataclass(frozen=True, slots=True)
class StorageReport:
    """``figures`` say the most important first; ``disk_plots`` has one for each disk that is measured."""

    now: datetime
    figures: list[Figure]
    days: DaysPlot
    disk_plots: list[DiskPlot]
    sections: list[Section]


def storage_report(now: datetime) -> StorageReport:
    """Cost: a bounded number of queries, none of which looks at files."""
    history, present = disk_history(now), list(holdings())
    measured = [(disk, history.get(disk.store, [])) for disk in disks()]
    days = plot_days(now, present)
    of_disks = [figure for disk, past in measured for figure in _disk_figures(disk, forecast_of(disk, past, now))]
    return StorageReport(
        now,
        [*of_disks, *_held_figures(days, present)],
        days,
        [plot_disk(disk, past, now) for disk, past in measured],
        report_sections(now),
    )


def _disk_figures(disk: Disk, told: Forecast) -> Iterator[Figure]:
    name = "" if disk.store == LOCAL else f" ({disk.store})"
    tone = "bad" if told.kind == "full" else ""
    yield Figure(f"Full{name}", *_full(told), tone=tone)
    part = f"{disk.free / disk.usable:.0%} of {size_text(disk.usable)}" if disk.usable else ""
    yield Figure(f"Disk free{name}", size_text(disk.free), part, tone=tone)


def _full(told: Forecast) -> tuple[str, str]:
    """What stands large, and what stands below it."""
    words, _, rest = forecast_words(told).partition(" (")
    return words.removeprefix("about "), rest.removesuffix(")")


def _held_figures(days: DaysPlot, present: Sequence[Holding]) -> Iterator[Figure]:
    files = counted(sum(each.files for each in present), "file,files")
    yield Figure("In datasets", size_text(sum(each.held for each in present)), files)
    month = days.rows[:30]
    yield Figure("Received", size_text(sum(came for _, came, _, _ in month)), f"in {counted(len(month), 'day,days')}")
    yield Figure("Deleted", size_text(sum(gone for _, _, gone, _ in month)), f"in {counted(len(month), 'day,days')}")
