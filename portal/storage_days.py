"""Once a day: how much each project's instruments hold, and how full the disks are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, F, Q, Sum

from portal.disks import disks
from portal.models import Dataset, DiskDay, StorageDay

BATCH = 500
DELETED = Q(state=Dataset.State.PURGED)
BYTES = F("bytes_verified") + F("bytes_kept")


@dataclass(frozen=True, slots=True)
class Holding:
    """Of one project's instrument; ``deleted`` counts from the beginning of time."""

    project_id: int
    instrument_id: int | None
    datasets: int
    files: int
    held: int
    deleted: int

    @property
    def received(self) -> int:
        """Since the beginning of time, as far as it was not replaced before its dataset closed."""
        return self.held + self.deleted


def measure_day(now: datetime) -> None:
    """Writes the rows of today (UTC), unless they are there. Safe to do twice, and twice at once.

    A day that nobody looked at has none: what was held then is not known any more. Cost: two queries a day's first
    time, one query afterwards, whatever the number of files.
    """
    day = now.astimezone(UTC).date()
    if not DiskDay.objects.filter(day=day).exists():
        rows = [DiskDay(day=day, store=d.store, measured_at=now, used=d.used, total=d.total) for d in disks()]
        DiskDay.objects.bulk_create(rows, ignore_conflicts=True)
    if not StorageDay.objects.filter(day=day).exists():
        rows_of_day = [_row(holding, now) for holding in holdings()]
        StorageDay.objects.bulk_create(rows_of_day, batch_size=BATCH, ignore_conflicts=True)


def holdings() -> Iterator[Holding]:
    """As it is now. Cost: one query over the datasets' counts."""
    grouped = (
        Dataset.objects.order_by()
        .values_list("project_id", "instrument_id")
        .annotate(
            dataset_sum=Count("pk", filter=~DELETED),
            file_sum=Sum("verified_count", filter=~DELETED, default=0),
            held_sum=Sum(BYTES, filter=~DELETED, default=0),
            deleted_sum=Sum(BYTES, filter=DELETED, default=0),
        )
    )
    return (Holding(*row) for row in grouped)


def _row(holding: Holding, now: datetime) -> StorageDay:
    return StorageDay(
        day=now.astimezone(UTC).date(),
        project_id=holding.project_id,
        instrument_id=holding.instrument_id,
        measured_at=now,
        files_held=holding.files,
        bytes_held=holding.held,
        bytes_deleted=holding.deleted,
    )
