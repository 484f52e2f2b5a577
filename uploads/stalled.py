"""Uploads that were begun, are not whole, and get no byte."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Sum

from portal.models import Dataset
from uploads.models import UploadQuerySet

STALLED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Stalled:
    """One dataset's: how many, when their last byte came, and how many of their bytes are there."""

    dataset: Dataset
    number: int
    last: datetime
    came: int
    length: int


def stalled_datasets(uploads: UploadQuerySet, now: datetime, most: int) -> tuple[list[Stalled], int]:
    """Of ``uploads``; those that wait longest first, and how many more there are. Cost: at most three queries."""
    unfinished = uploads.receiving().filter(expires_at__gt=now, dataset__isnull=False).order_by()
    grouped = (
        unfinished.values("dataset")
        .annotate(number=Count("pk"), last=Max("touched_at"), came=Sum("offset"), length_sum=Sum("length", default=0))
        .filter(last__lt=now - STALLED_AFTER)
    )
    rows = list(grouped.order_by("last")[: most + 1])
    more = grouped.count() - most if len(rows) > most else 0
    datasets = Dataset.objects.select_related("project").in_bulk([row["dataset"] for row in rows[:most]])
    found = [
        Stalled(datasets[row["dataset"]], row["number"], row["last"], row["came"], row["length_sum"])
        for row in rows[:most]
    ]
    return found, more
