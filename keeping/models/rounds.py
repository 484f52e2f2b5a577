"""How far re-reading verified bytes has come."""

from typing import ClassVar

from django.db import models
from django.db.models import Q, Value

from portal.models.work import Work, WorkQuerySet


class RoundQuerySet(WorkQuerySet["Round"]):
    def under_way(self) -> "RoundQuerySet":
        return self.filter(ended_at__isnull=True)


class Round(Work):
    """One pass over all verified files, re-read a few at a time; as work: whoever re-reads holds it."""

    position = models.BigIntegerField(default=0, help_text="Files up to this id were re-read.")
    files = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0, help_text="Second copies included.")
    damaged = models.PositiveIntegerField(default=0, help_text="Files that are not offered any more.")
    repaired = models.PositiveIntegerField(default=0, help_text="Files and second copies made again from a good one.")
    unreadable = models.PositiveIntegerField(default=0, help_text="Not judged: the store gave trouble.")
    trouble = models.CharField(max_length=300, blank=True, default="", help_text="What the store said last.")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Value(1), condition=Q(ended_at__isnull=True), name="one_round_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"round of {self.began_at:%Y-%m-%d}"
