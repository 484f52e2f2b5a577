"""How much there was, day by day. Never changed once written."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from portal.models.projects import Instrument, Project


class StorageDay(models.Model):
    """What one instrument's datasets of one project held when a day (of UTC) was first looked at.

    ``bytes_deleted`` counts from the beginning of time. So what came between any two days is the difference of held
    and deleted together, and a gap of days between them loses nothing.
    """

    day = models.DateField()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="storage_days")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, null=True, related_name="storage_days")
    measured_at = models.DateTimeField()
    files_held = models.PositiveBigIntegerField(help_text="Verified files that are not deleted.")
    bytes_held = models.PositiveBigIntegerField(help_text="Of these, and of older versions that are kept.")
    bytes_deleted = models.PositiveBigIntegerField(help_text="Of all datasets deleted until then.")

    class Meta:
        ordering = ["-day"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "project", "instrument"], name="storage_is_measured_once_a_day"),
            models.UniqueConstraint(
                fields=["day", "project"],
                condition=Q(instrument__isnull=True),
                name="storage_without_instrument_is_measured_once_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.project}"


class DiskDay(models.Model):
    """The file system of one store when a day (of UTC) was first looked at; stores that have no end have none."""

    day = models.DateField()
    store = models.CharField(max_length=40)
    measured_at = models.DateTimeField()
    used = models.PositiveBigIntegerField(help_text="Bytes, by whomever.")
    total = models.PositiveBigIntegerField(help_text="Bytes.")

    class Meta:
        ordering = ["-day", "store"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["day", "store"], name="disk_is_measured_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.store}"
