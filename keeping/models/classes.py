"""How long a project keeps its datasets."""

from datetime import timedelta
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from portal.models import Project

SHORTEST = 2  # days: so that there is a day between the last warning and the deletion
LONGEST = 36_500


class RetentionClass(models.Model):
    """One way of keeping datasets of a project; those that say nothing else follow the project's default.

    A project without a default keeps for ever, and so does a class without ``days``.
    """

    class CountedFrom(models.TextChoices):
        RELEASE = "release", "the release"
        LAST_ACCESS = "last_access", "the last time somebody took data"
        ALL_COMPLETE = "all_complete", "the moment when every recipient has everything, or their links have ended"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="retention_classes")
    name = models.CharField(max_length=60)
    days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(SHORTEST), MaxValueValidator(LONGEST)]
    )
    counted_from = models.CharField(max_length=12, choices=CountedFrom, default=CountedFrom.RELEASE)
    is_default = models.BooleanField(default=False)
    grace_days = models.PositiveIntegerField(default=14, validators=[MaxValueValidator(LONGEST)])
    warns_recipients = models.BooleanField(default=True)
    extension_days = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(LONGEST)]
    )
    most_extensions = models.PositiveIntegerField(default=1, validators=[MaxValueValidator(1000)])
    deletes_early = models.BooleanField(default=False)
    begun_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="As default: its datasets released until then are being kept; empty: none were looked for.",
    )

    class Meta:
        ordering = ["-is_default", "name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="retention_class_has_its_name_alone",
                violation_error_message="Another class of this project has this name. Choose another one.",
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(is_default=True), name="project_has_one_default_retention_class"
            ),
            models.CheckConstraint(
                condition=Q(days__isnull=True) | Q(days__gte=SHORTEST), name="retention_leaves_time_for_a_warning"
            ),
            models.CheckConstraint(condition=Q(extension_days__gte=1), name="retention_is_extended_by_a_day_or_more"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)

    @property
    def extension(self) -> timedelta:
        return timedelta(days=self.extension_days)
