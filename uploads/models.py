"""What lets bytes in, and how far they have come."""

import hashlib
import secrets
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.models import DataFile, Dataset, Instrument, Project

TOKEN_PREFIX = "lcu_"  # noqa: S105  (names the kind of secret, is none)


def new_token() -> str:
    """A secret for an instrument PC: `lcu_` and 43 characters that hold 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_digest(secret: str) -> str:
    """What is stored of a token: SHA-256, hex. Enough without salt, as the secret is random."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_upload_id() -> str:
    return secrets.token_hex(16)


class UploadToken(models.Model):
    """Lets an instrument's PCs send into one project. Only the digest of the secret is stored."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="upload_tokens")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="upload_tokens"
    )
    label = models.CharField(max_length=100, help_text="Where it is used, such as “Krios 2, control PC”.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    notification_emails = models.JSONField(
        default=list, blank=True, help_text="Told when data are released, downloaded or damaged."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is revoked.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="upload_token_expires_after_it_was_made",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and not self.is_expired(now)


class DatasetFolder(models.Model):
    """A folder that files of a dataset lie in: tells in one look-up that a file cannot have its name."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    path_key = models.CharField(max_length=64, help_text="As `DataFile.path_key`.")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["dataset", "path_key"], name="dataset_notes_a_folder_once"),
        ]

    def __str__(self) -> str:
        return self.path_key


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
