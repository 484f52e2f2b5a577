"""How a project reminds recipients, and whom it tells."""

import re
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from portal.models import Project

LONGEST_DAYS = 365
MOST_DAYS_BEFORE = 10


def validate_days_before(text: str) -> None:
    """Days as they are stored: falling, each once, with ", " between them."""
    if not re.fullmatch(r"\d{1,3}(, \d{1,3})*", text):
        raise ValidationError("Write days with commas between them, such as 14, 7, 1.")
    days = [int(day) for day in text.split(", ")]
    if len(days) > MOST_DAYS_BEFORE or not all(1 <= day <= LONGEST_DAYS for day in days):
        raise ValidationError(f"Name at most {MOST_DAYS_BEFORE} days, each from 1 to {LONGEST_DAYS}.")
    if days != sorted(set(days), reverse=True):
        raise ValidationError("Name each day once, the longest time before the end first.")


class ReminderPolicy(models.Model):
    """One project's. A project that has no row is treated as if it had an unchanged one."""

    class CopiesTo(models.TextChoices):
        NOBODY = "nobody", "nobody"
        TOKEN = "token", "the addresses stored with the upload token"
        METADATA = "metadata", "the address in the dataset’s metadata"
        PROJECT = "project", "the project’s contact address"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="reminder_policy")
    reminds = models.BooleanField(default=True, help_text="Only recipients who did not fetch the data are reminded.")
    every_days = models.PositiveSmallIntegerField(
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text="From the link's start.",
    )
    days_before = models.CharField(
        max_length=60,
        blank=True,
        default="",
        validators=[validate_days_before],
        help_text="Days before the end of the link, such as 14, 7, 1. When given, they count instead of the interval.",
    )
    most = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="For one link; empty: no limit."
    )
    quiet_from = models.TimeField(null=True, blank=True, help_text="In the project's time zone.")
    quiet_until = models.TimeField(null=True, blank=True, help_text="What would come in between comes then.")
    working_days_only = models.BooleanField(
        default=False, help_text="What would come on a Saturday or Sunday comes on Monday."
    )
    partial_is_used = models.BooleanField(default=True, help_text="Who fetched a part is not reminded of the rest.")
    words = models.TextField(blank=True, default="", max_length=2000, help_text="Put into each reminder, as they are.")
    copies_to = models.CharField(max_length=8, choices=CopiesTo, default=CopiesTo.NOBODY)
    metadata_key = models.CharField(
        max_length=100, blank=True, default="", help_text="Under which name the metadata hold the address."
    )
    copies_daily = models.BooleanField(default=False, help_text="One mail a day rather than one for each reminder.")

    class Meta:
        verbose_name_plural = "reminder policies"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(every_days__gte=1), name="reminders_are_at_least_a_day_apart"),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until")),
                name="quiet_hours_have_two_ends",
                violation_error_message="Give both ends of the quiet hours, and different ones; or neither.",
            ),
            models.CheckConstraint(
                condition=~Q(copies_to="metadata") | ~Q(metadata_key=""),
                name="copies_by_metadata_know_the_name",
                violation_error_message="Say under which name the metadata hold the address.",
            ),
        ]

    def __str__(self) -> str:
        return f"Reminders of {self.project}"

    @property
    def days(self) -> tuple[int, ...]:
        """Before the end of a link, falling; empty when the interval counts."""
        return tuple(int(day) for day in self.days_before.split(", ") if day)
