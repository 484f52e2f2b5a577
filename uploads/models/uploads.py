"""How far an upload has come."""

import secrets
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from portal.models import DataFile, Dataset


def new_upload_id() -> str:
    return secrets.token_hex(16)


class UploadQuerySet(models.QuerySet["Upload"]):
    def receiving(self) -> Self:
        return self.filter(state=Upload.State.RECEIVING)

    def stale(self, now: datetime) -> Self:
        """Unfinished and past their expiry."""
        return self.receiving().filter(expires_at__lte=now)

    def complete_but_unfinished(self) -> Self:
        """All bytes are recorded, but the server died before it said so to the dataset."""
        return self.receiving().filter(offset=F("length"))


class Upload(models.Model):
    """One tus upload of one file. `offset` counts the bytes that a flush has confirmed.

    Bytes on disk beyond the offset were never acknowledged and are cut off when it is opened again.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        FINISHED = "finished", "received"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"
        LOST = "lost", "lost bytes"

    id = models.CharField(primary_key=True, max_length=32, default=new_upload_id, editable=False)
    file = models.ForeignKey(DataFile, on_delete=models.SET_NULL, null=True, related_name="uploads")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="uploads")
    sender = models.CharField(max_length=120, help_text="Who may go on with it: `user:4`, `upload_token:7`.")
    length = models.PositiveBigIntegerField(help_text="Bytes.")
    offset = models.PositiveBigIntegerField(default=0, help_text="Durable bytes.")
    metadata_header = models.TextField(blank=True, help_text="As the client sent it; told back to it.")
    state = models.CharField(max_length=9, choices=State, default=State.RECEIVING)
    brought_file = models.BooleanField(
        default=False, help_text="Nobody announced the file: it goes when this upload ends without it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(help_text="When bytes came last.")
    expires_at = models.DateTimeField()

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], condition=Q(state="receiving"), name="unfinished_uploads"),
            models.Index(fields=["dataset"], condition=Q(state="receiving"), name="unfinished_uploads_of_dataset"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="upload_has_at_most_its_length"),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(offset=F("length")), name="finished_upload_is_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.offset} of {self.length})"
