"""The programs on instruments' computers that watch and send, as far as they tell of themselves."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from uploads.models.tokens import UploadToken

INTERVALS_MISSED = 3
SHORTEST_SILENCE = timedelta(minutes=5)  # a reboot with updates is no silence


def patience_with(interval_s: int) -> timedelta:
    """How long an agent that reports every ``interval_s`` seconds may say nothing."""
    return max(INTERVALS_MISSED * timedelta(seconds=interval_s), SHORTEST_SILENCE)


class AgentQuerySet(models.QuerySet["Agent"]):
    def silent(self, now: datetime) -> Self:
        """Neither heard in time nor stopped. One whose token was revoked for good is not missed."""
        missed = Q(token__revoked_at=None) | Q(token__replaced_by__isnull=False)
        return self.filter(missed, silent_from__lte=now, stopped_at=None)

    def newest_first(self) -> Self:
        return self.order_by("-last_heard_at", "-pk")


class Agent(models.Model):
    """One agent as its last heartbeat described it. It stays the same when its token is renewed."""

    token = models.ForeignKey(UploadToken, on_delete=models.PROTECT, related_name="agents")
    family = models.UUIDField(editable=False, help_text="Of its token and those that token replaces.")
    agent_id = models.UUIDField(editable=False, help_text="Chosen by the agent, for good.")
    host = models.CharField(max_length=200)
    version = models.CharField(max_length=40)
    platform = models.CharField(max_length=200, blank=True)
    interval_s = models.PositiveIntegerField(help_text="Seconds between two reports.")
    started_at = models.DateTimeField()
    first_heard_at = models.DateTimeField()
    last_heard_at = models.DateTimeField()
    silent_from = models.DateTimeField(help_text="When it counts as silent, unless it is heard before.")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When it said that it stops.")
    silence_told_at = models.DateTimeField(null=True, blank=True, help_text="When people were told of this silence.")
    folders = models.JSONField(default=list, help_text="What it watches, as its heartbeat lists it.")
    queue_files = models.PositiveBigIntegerField(default=0)
    queue_bytes = models.PositiveBigIntegerField(default=0)
    last_error = models.CharField(max_length=1000, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    disk_free = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes.")
    disk_total = models.PositiveBigIntegerField(null=True, blank=True, help_text="Bytes.")

    objects = AgentQuerySet.as_manager()

    class Meta:
        ordering = ["host", "pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["silent_from"], condition=Q(stopped_at__isnull=True), name="agents_by_silence"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["family", "agent_id"], name="agent_is_known_once_to_its_tokens"),
            models.CheckConstraint(
                condition=Q(disk_free__isnull=True, disk_total__isnull=True)
                | Q(disk_free__isnull=False, disk_total__isnull=False),
                name="agent_tells_free_and_total_disk_together",
            ),
        ]

    def __str__(self) -> str:
        return self.host

    def state(self, now: datetime) -> str:
        """As `state_badge` knows it."""
        if self.stopped_at:
            return "stopped"
        return "silent" if self.silent_from <= now else "alive"
