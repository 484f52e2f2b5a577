from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

KEPT = timedelta(days=1)  # a machine that was taken away is forgotten


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def note(self, *, kind: str, name: str, now: datetime) -> None:
        """One upsert, and those of the same kind that nobody has heard for long go. Two statements."""
        self.bulk_create(
            [self.model(kind=kind, name=name, at=now)],
            update_conflicts=True,
            unique_fields=["kind", "name"],
            update_fields=["at"],
        )
        self.filter(kind=kind, at__lt=now - KEPT).delete()


class Heartbeat(models.Model):
    """When a program was last heard. Its name outlives a restart, so a machine has one row for each of its programs."""

    class Kind(models.TextChoices):
        WORKER = "worker", "worker"
        SCHEDULER = "scheduler", "scheduler"

    kind = models.CharField(max_length=9, choices=Kind)
    name = models.CharField(max_length=255, help_text="Such as `celery@data-server`.")
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "-at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["kind", "name"], name="program_has_one_heartbeat"),
        ]

    def __str__(self) -> str:
        return self.name
