from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.models import Dataset
from portal.models.work import Work, WorkQuerySet
from sharing.models import ShareLink


class DatasetCopyQuerySet(WorkQuerySet["DatasetCopy"]):
    def under_way(self) -> "DatasetCopyQuerySet":
        return self.filter(state__in=[DatasetCopy.State.COPYING, DatasetCopy.State.LEAVING])


class DatasetCopy(Work):
    """A dataset that was copied into another project with a link: where it comes from, for good.

    As work: its files that are still expected are to be copied, or what was copied is to be removed again.
    """

    class State(models.TextChoices):
        COPYING = "copying", "copying"
        DONE = "done", "done"
        LEAVING = "leaving", "to be removed"
        FAILED = "failed", "failed"

    source = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="copied_to")
    revision = models.PositiveIntegerField(help_text="Of the source.")
    link = models.ForeignKey(ShareLink, on_delete=models.PROTECT, related_name="copies")
    target = models.OneToOneField(Dataset, on_delete=models.SET_NULL, null=True, related_name="copied_from")
    target_name = models.CharField(max_length=160, help_text="Stays when a copy that failed was removed.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_from = models.CharField(max_length=64, blank=True, default="", help_text="Network address.")
    client = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=8, choices=State, default=State.COPYING)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it waits, or failed.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DatasetCopyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], condition=Q(state__in=["copying", "leaving"]), name="dataset_copies_under_way"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(state__in=["leaving", "failed"]) | ~Q(reason=""), name="copy_that_failed_says_why"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "failed"], ended_at__isnull=False)
                | ~Q(state__in=["done", "failed"]) & Q(ended_at__isnull=True),
                name="copy_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["copying", "leaving"]) | Q(target__isnull=False),
                name="copy_under_way_has_its_dataset",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_name} from {self.source}"
