from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.models import DataFile, Dataset, Project
from portal.models.work import Work, WorkQuerySet


class HookQuerySet(WorkQuerySet["Hook"]):
    def usable(self) -> "HookQuerySet":
        return self.filter(removed_at__isnull=True)

    def active(self) -> "HookQuerySet":
        return self.filter(state=Hook.State.ACTIVE)


class Hook(Work):
    """An address elsewhere that is told of each verified file of a project. As work: messages are to be sent."""

    class State(models.TextChoices):
        ACTIVE = "active", "active"
        STOPPED = "stopped", "stopped"
        REMOVED = "removed", "removed"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="hooks")
    url = models.CharField(max_length=1000)
    locked = models.TextField(blank=True, editable=False, help_text="What signs its messages, encrypted.")
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it stopped, or waits.")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_turn_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = HookQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) & ~Q(state="removed")
                | Q(removed_at__isnull=False, state="removed", locked=""),
                name="removed_hook_keeps_no_secret",
            ),
            models.CheckConstraint(condition=~Q(state="stopped") | ~Q(reason=""), name="stopped_hook_says_why"),
        ]

    def __str__(self) -> str:
        return self.url

    def has_failed_too_long(self, now: datetime) -> bool:
        since = self.failing_since
        return since is not None and now - since >= timedelta(days=settings.HOOK_DAYS)


class HookMessage(models.Model):
    """One request to a hook. Its body is kept until it was taken, so that each try says the same."""

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="messages")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=40, unique=True, help_text="The same at each try: `webhook-id`.")
    files = models.PositiveIntegerField(default=0)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Of HTTP, at the last try.")
    answer = models.CharField(max_length=300, blank=True, default="", help_text="Or what went wrong.")
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["hook", "-id"], name="messages_of_a_hook")]

    def __str__(self) -> str:
        return self.name


class FileToTell(models.Model):
    """A verified file of which a hook has to be told. Written in the transaction that verifies the file."""

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="files_to_tell")
    file = models.ForeignKey(DataFile, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["hook", "id"], name="files_to_tell_in_order")]

    def __str__(self) -> str:
        return f"{self.file} for {self.hook}"
