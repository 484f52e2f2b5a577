"""Rows that describe work to be done: the database is the queue of record, Celery only rings the bell."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.db import models
from django.db.models import F, Q

Row = TypeVar("Row", bound="Work")


class WorkQuerySet(models.QuerySet[Row]):
    def due(self, now: datetime) -> Self:
        """Rows whose time has come and that nobody holds."""
        return self.filter(
            Q(not_before__isnull=True) | Q(not_before__lte=now),
            Q(leased_until__isnull=True) | Q(leased_until__lte=now),
        )

    def claim(
        self, ids: Collection[object], *, claimant: str, now: datetime, lease: timedelta, **changes: object
    ) -> int:
        """Takes those of ``ids`` that are still due, by one conditional UPDATE; the number taken.

        What was taken is ``filter(claimed_by=claimant)``; ``claimant`` is new for each claim. ``changes`` are columns
        of the row's own that the same UPDATE sets.
        """
        return (
            self.filter(pk__in=ids)
            .due(now)
            .update(claimed_by=claimant, leased_until=now + lease, attempts=F("attempts") + 1, **changes)
        )


class Work(models.Model):
    """Mixed into rows that are work: attempts, not before, and a lease that a dead worker lets run out."""

    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        abstract = True
