from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from delivery.models.destinations import Destination
from portal.models import Dataset
from portal.models.work import Work, WorkQuerySet

_UNDER_WAY = ("waiting", "pushing", "checking")


class DeliveryQuerySet(WorkQuerySet["Delivery"]):
    def under_way(self) -> "DeliveryQuerySet":
        return self.filter(state__in=_UNDER_WAY)


class Delivery(Work):
    """One push of a dataset to a destination. As work: what the destination lacks is to be copied, then compared."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        PUSHING = "pushing", "pushing"
        CHECKING = "checking", "being compared"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ENDED: ClassVar[tuple[State, ...]] = (State.DONE, State.FAILED, State.CANCELLED)

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="deliveries")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="deliveries")
    occasion = models.CharField(max_length=48, help_text="`release`, or the form by which somebody asked for it.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked_by_label = models.CharField(max_length=254, help_text="As the audit names them.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=300, blank=True, default="", help_text="Why it waits, failed or was cancelled."
    )
    cancelled_by = models.CharField(max_length=254, blank=True, default="", help_text="Whoever pushes stops at once.")
    files_total = models.PositiveIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    files_done = models.PositiveIntegerField(default=0, help_text="Found there or copied; compared once it is done.")
    bytes_done = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_turn_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["dataset", "-id"], name="deliveries_of_a_dataset"),
            models.Index(fields=["id"], condition=Q(state__in=_UNDER_WAY), name="deliveries_under_way"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["dataset", "destination", "occasion"], name="dataset_is_pushed_once_for_an_occasion"
            ),
            models.UniqueConstraint(
                fields=["dataset", "destination"],
                condition=Q(state__in=_UNDER_WAY),
                name="dataset_has_one_push_at_a_time_to_a_destination",
            ),
            models.CheckConstraint(
                condition=Q(state__in=_UNDER_WAY, ended_at__isnull=True)
                | ~Q(state__in=_UNDER_WAY) & Q(ended_at__isnull=False),
                name="delivery_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "cancelled"]) | ~Q(reason=""), name="delivery_that_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(files_done=F("files_total"), bytes_done=F("bytes_total")),
                name="delivery_that_is_done_has_every_file",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} to {self.destination}"
