"""How far an upload has come."""

import secrets
from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from portal.models import DataFile, Dataset, Project


def new_upload_id() -> str:
    return secrets.token_hex(16)


class UploadQuerySet(models.QuerySet["Upload"]):
    def receiving(self) -> Self:
        return self.filter(state=Upload.State.RECEIVING)

    def staged(self) -> Self:
        """Those whose bytes lie in the staging folder."""
        return self.filter(state__in=[Upload.State.RECEIVING, Upload.State.KEPT])

    def stale(self, now: datetime) -> Self:
        """Unfinished, or parts that were kept long enough, and past their expiry."""
        return self.staged().filter(expires_at__lte=now)

    def complete_but_unfinished(self) -> Self:
        """All bytes are recorded, but the server died before it said so to the dataset."""
        return self.receiving().filter(offset=F("length")).exclude(role=Upload.Role.FINAL)

    def half_joined(self) -> Self:
        """Made of parts and not handed over yet: a request does it, or its server died."""
        return self.receiving().filter(role=Upload.Role.FINAL)


class Upload(models.Model):
    """One tus upload of one file, or of a part that is later joined with others to one.

    `offset` counts the bytes that a flush has confirmed. Bytes on disk beyond the offset were never acknowledged and
    are cut off when it is opened again. A part has no dataset yet: its bytes count against its project.
    """

    class Role(models.TextChoices):
        WHOLE = "whole", "a file"
        PART = "part", "a part"
        FINAL = "final", "joined of parts"
        BUNDLE = "bundle", "a bundle of small files"

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        KEPT = "kept", "kept part"
        FINISHED = "finished", "received"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "expired"
        LOST = "lost", "lost bytes"

    id = models.CharField(primary_key=True, max_length=32, default=new_upload_id, editable=False)
    file = models.ForeignKey(DataFile, on_delete=models.SET_NULL, null=True, related_name="uploads")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, related_name="uploads")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, related_name="parts", help_text="Of a part, which has no dataset."
    )
    role = models.CharField(max_length=8, choices=Role, default=Role.WHOLE)
    part_ids = models.JSONField(default=list, help_text="Of a final one: its parts in order.")
    concat_header = models.TextField(blank=True, help_text="Of a final one: as the client sent it; told back to it.")
    sender = models.CharField(max_length=120, help_text="Who may go on with it: `user:4`, `upload_token:7`.")
    length = models.PositiveBigIntegerField(null=True, help_text="Bytes; empty until the client knows it.")
    offset = models.PositiveBigIntegerField(default=0, help_text="Durable bytes.")
    reserved = models.PositiveBigIntegerField(default=0, help_text="Bytes of the quota that no file stands for yet.")
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
            models.Index(fields=["expires_at"], condition=Q(state="kept"), name="kept_parts"),
            models.Index(fields=["state"], condition=Q(reserved__gt=0), name="uploads_that_reserve"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="upload_has_at_most_its_length"),
            models.CheckConstraint(
                condition=~Q(state__in=["finished", "kept"]) | Q(length__isnull=False, offset=F("length")),
                name="finished_upload_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(role="part", dataset__isnull=True, project__isnull=False)
                | Q(~Q(role="part"), dataset__isnull=False, project__isnull=True),
                name="upload_has_a_dataset_unless_it_is_a_part",
            ),
            models.CheckConstraint(condition=~Q(state="kept") | Q(role="part"), name="only_a_part_is_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.offset} of {self.length})"

    @property
    def is_whole(self) -> bool:
        return self.offset == self.length

    @property
    def own_project(self) -> Project:
        """Whose quota it counts against."""
        project = self.dataset.project if self.dataset else self.project
        if project is None:
            raise AssertionError("refused by upload_has_a_dataset_unless_it_is_a_part")
        return project
