"""How long one dataset is kept, and how far its deletion has come."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from keeping.models.classes import RetentionClass
from portal.models import Dataset
from portal.models.work import Work, WorkQuerySet


class KeepingQuerySet(WorkQuerySet["Keeping"]):
    def to_look_at(self) -> Self:
        """Still offered: a warning or the deletion may be due."""
        return self.filter(deleted_at__isnull=True)

    def to_purge(self, now: datetime) -> Self:
        """Deleted for users, no longer to be restored, with bytes still there; or purging has begun."""
        waiting = self.filter(deleted_at__isnull=False, purged_at__isnull=True, held_at__isnull=True)
        return waiting.filter(Q(purge_after__lte=now) | Q(purge_began_at__isnull=False))


class Keeping(Work):
    """One dataset's retention. As work: to be looked at not before a moment; then, once deleted, to be purged.

    ``deletion_at`` is what the last look said, for lists; what counts is decided again (``keeping.due``) before
    anything is deleted.
    """

    dataset = models.OneToOneField(Dataset, on_delete=models.PROTECT, related_name="keeping")
    retention_class = models.ForeignKey(
        RetentionClass, on_delete=models.PROTECT, null=True, blank=True, related_name="keepings"
    )
    owner_email = models.EmailField(blank=True, default="")

    deletion_at = models.DateTimeField(null=True, blank=True, help_text="As last computed; empty: not by the clock.")
    warned_at = models.DateTimeField(null=True, blank=True, help_text="First warning of the deletion that is coming.")
    unheard_since = models.DateTimeField(
        null=True, blank=True, help_text="Since then warnings reached nobody who decides, so the deletion moves on."
    )
    extended_until = models.DateTimeField(null=True, blank=True)
    extensions = models.PositiveIntegerField(default=0, help_text="By people without the right to manage.")

    held_at = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=254, blank=True, default="")
    hold_reason = models.CharField(max_length=300, blank=True, default="")

    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Since then nobody is given the data.")
    deleted_by = models.CharField(max_length=254, blank=True, default="")
    purge_after = models.DateTimeField(null=True, blank=True, help_text="Until then it can be restored.")
    purge_began_at = models.DateTimeField(null=True, blank=True)
    purged_up_to = models.CharField(max_length=1024, blank=True, default="", help_text="Paths up to this one are gone.")
    files_purged = models.PositiveIntegerField(default=0)
    bytes_purged = models.PositiveBigIntegerField(default=0, help_text="Second copies left out.")
    purged_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=300, blank=True, default="", help_text="Why bytes could not be removed.")

    objects = KeepingQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["not_before"], condition=Q(deleted_at__isnull=True), name="keepings_to_look_at"),
            models.Index(
                fields=["purge_after"],
                condition=Q(deleted_at__isnull=False, purged_at__isnull=True),
                name="keepings_to_purge",
            ),
            models.Index(fields=["deletion_at"], condition=Q(deleted_at__isnull=True), name="keepings_by_deletion"),
            models.Index(fields=["held_at"], condition=Q(held_at__isnull=False), name="keepings_held"),
            models.Index(
                fields=["unheard_since"], condition=Q(unheard_since__isnull=False), name="keepings_nobody_heard_of"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(held_at__isnull=True) | (~Q(hold_reason="") & ~Q(held_by="")),
                name="hold_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, purge_after__isnull=True)
                | Q(deleted_at__isnull=False, purge_after__isnull=False),
                name="deleted_dataset_says_until_when_it_can_be_restored",
            ),
            models.CheckConstraint(
                condition=Q(purge_began_at__isnull=True) | Q(deleted_at__isnull=False),
                name="bytes_go_only_after_the_deletion",
            ),
            models.CheckConstraint(
                condition=Q(purged_at__isnull=True) | Q(purge_began_at__isnull=False),
                name="purge_begins_before_it_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"keeping of {self.dataset}"

    @property
    def is_held(self) -> bool:
        return self.held_at is not None

    @property
    def may_be_restored(self) -> bool:
        return self.deleted_at is not None and self.purge_began_at is None
