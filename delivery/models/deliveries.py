from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from delivery.models.destinations import Destination
from portal.models import DataFile, Dataset
from portal.models.work import Work, WorkQuerySet
from sharing.models import ShareLink

_UNDER_WAY = ("waiting", "following", "pushing", "checking")


class DeliveryQuerySet(WorkQuerySet["Delivery"]):
    def under_way(self) -> "DeliveryQuerySet":
        return self.filter(state__in=_UNDER_WAY)

    def following(self, dataset: Dataset) -> "DeliveryQuerySet":
        return self.under_way().filter(dataset=dataset, live=True)

    def with_work(self, now: datetime) -> "DeliveryQuerySet":
        """Those due; a live one also waits for a file, for the release, or until nothing came for too long."""
        new = FileToPush.objects.filter(delivery=OuterRef("pk"))
        over = Q(idle_at__lte=now) | ~Q(dataset__state__in=[Dataset.State.OPEN, Dataset.State.CLOSED])
        return self.due(now).filter(~Q(state="following") | over | Exists(new))


class Delivery(Work):
    """One push of a dataset to a destination. As work: what the destination lacks is to be copied, then compared.

    A live one begins while files still come: each is copied once it is verified (`FileToPush`), all are compared at
    the end.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        FOLLOWING = "following", "waiting for files"
        PUSHING = "pushing", "pushing"
        CHECKING = "checking", "being compared"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ENDED: ClassVar[tuple[State, ...]] = (State.DONE, State.FAILED, State.CANCELLED)

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="deliveries")
    destination = models.ForeignKey(Destination, on_delete=models.PROTECT, related_name="deliveries")
    occasion = models.CharField(max_length=48, help_text="`release`, `live`, or the form by which somebody asked.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked_by_label = models.CharField(max_length=254, help_text="As the audit names them.")
    link = models.ForeignKey(
        ShareLink,
        on_delete=models.PROTECT,
        null=True,
        related_name="deliveries",
        help_text="Of a recipient who asked.",
    )
    asked_from = models.CharField(max_length=64, blank=True, default="", help_text="Network address of a recipient.")
    client = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=300, blank=True, default="", help_text="Why it waits, failed or was cancelled."
    )
    cancelled_by = models.CharField(max_length=254, blank=True, default="", help_text="Whoever pushes stops at once.")
    live = models.BooleanField(default=False, help_text="Begun while files still came.")
    idle_hours = models.PositiveSmallIntegerField(default=24, help_text="A live one ends after so long without a file.")
    idle_at = models.DateTimeField(null=True, blank=True, help_text="When that will be the case.")
    caught_up = models.BooleanField(default=False, help_text="What was verified before it began has been copied.")
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
            models.CheckConstraint(
                condition=Q(live=False, idle_at__isnull=True) & ~Q(state="following")
                | Q(live=True, idle_at__isnull=False),
                name="live_delivery_knows_when_it_is_idle",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} to {self.destination}"

    def is_over(self, now: datetime) -> bool:
        """Nothing more comes, so that all can be compared."""
        idle = self.idle_at is not None and self.idle_at <= now
        return idle or self.dataset.state == Dataset.State.RELEASED


class FileToPush(models.Model):
    """A file that was verified since a live delivery began, and is not at the destination yet.

    Written in the transaction that verifies the file, with its dataset locked: their order is that of the commits.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="files_to_push")
    file = models.ForeignKey(DataFile, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["delivery", "id"], name="files_to_push_in_order"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["delivery", "file"], name="file_waits_once_for_a_push"),
        ]

    def __str__(self) -> str:
        return f"{self.file} for {self.delivery}"
