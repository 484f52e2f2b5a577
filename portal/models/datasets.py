import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from portal.models.projects import Instrument, Project
from portal.stores import LOCAL


class Dataset(models.Model):
    """Files that belong together, in a folder of their own; handed over as one.

    ``revision`` changes whenever the list of verified files does. The counts are kept by ``portal.counts`` alone, in
    the transaction that changes the files, so that no page counts rows.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        CLOSED = "closed", "closed"
        RELEASED = "released", "released"
        EXPIRED = "expired", "expired"
        PURGED = "purged", "deleted"

    GONE = (State.EXPIRED, State.PURGED)

    SHAREABLE: ClassVar[tuple[State, ...]] = (State.OPEN, State.CLOSED, State.RELEASED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="datasets")
    client_key = models.CharField(
        max_length=64, editable=False, help_text="Chosen by the sender: the same key is the same dataset."
    )
    sender = models.CharField(
        max_length=120, editable=False, help_text="Scope of the client key: `user:4`, `upload_token:7`."
    )
    sent_by = models.CharField(max_length=200, editable=False, help_text="Who sent it, as the audit names them.")
    name = models.CharField(
        max_length=160, unique=True, editable=False, help_text="Readable and unique; the folder's name."
    )
    state = models.CharField(max_length=8, choices=State, default=State.OPEN, editable=False)
    store = models.CharField(
        max_length=40, default=LOCAL, editable=False, help_text="Where its verified files lie; from its project."
    )

    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    investigation = models.CharField(max_length=300, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    operator_emails = models.JSONField(
        default=list, blank=True, help_text="Told of release and download; copied from the upload token."
    )

    revision = models.PositiveIntegerField(default=0, editable=False)
    file_count = models.PositiveIntegerField(default=0, editable=False)
    bytes_expected = models.PositiveBigIntegerField(default=0, editable=False)
    received_count = models.PositiveIntegerField(
        default=0, editable=False, help_text="Arrived whole, not yet verified."
    )
    verified_count = models.PositiveIntegerField(default=0, editable=False)
    bytes_verified = models.PositiveBigIntegerField(default=0, editable=False)
    corrupt_count = models.PositiveIntegerField(default=0, editable=False)
    bytes_kept = models.PositiveBigIntegerField(default=0, editable=False, help_text="Of older versions of files.")

    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    released_at = models.DateTimeField(null=True, blank=True, editable=False)
    safe_to_delete_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Every file was read back and is what was sent; empty again once one is found corrupt.",
    )
    dispatched_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Links made and mails queued."
    )

    class Meta:
        ordering = ["-created_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["project", "-created_at"], name="dataset_newest_of_project"),
            models.Index(fields=["state", "dispatched_at"], name="dataset_awaiting_dispatch"),
            models.Index(fields=["released_at"], name="dataset_by_release"),
            models.Index(fields=["-created_at"], name="dataset_newest"),
            models.Index(fields=["project"], condition=Q(corrupt_count__gt=0), name="dataset_with_corrupt_files"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sender", "client_key"], name="sender_uses_a_client_key_once"),
            models.CheckConstraint(
                condition=Q(verified_count__lte=F("file_count")), name="dataset_verifies_only_its_files"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | ~Q(state="open") & Q(closed_at__isnull=False),
                name="dataset_is_open_until_closed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "closed"], released_at__isnull=True)
                | ~Q(state__in=["open", "closed"]) & Q(released_at__isnull=False),
                name="dataset_is_released_after_it_closed",
            ),
            models.CheckConstraint(
                condition=Q(safe_to_delete_since__isnull=True) | Q(released_at__isnull=False),
                name="dataset_is_safe_to_delete_only_once_released",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dataset", args=[self.pk])

    @property
    def is_gone(self) -> bool:
        """Deleted for users; whether its bytes are still there is the affair of whoever keeps them."""
        return self.state in self.GONE

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def may_be_shared(self) -> bool:
        """Also while files come: whoever has a link sees what is verified."""
        return self.state in self.SHAREABLE

    @property
    def is_whole(self) -> bool:
        """Every file announced is verified; an empty dataset is not whole."""
        return 0 < self.file_count == self.verified_count

    @property
    def awaited_count(self) -> int:
        """Files announced of which the portal does not hold all bytes."""
        return self.file_count - self.received_count - self.verified_count - self.corrupt_count


class DatasetKeyword(models.Model):
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="keywords")
    word = models.CharField(max_length=100, db_index=True)

    class Meta:
        ordering = ["word"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["dataset", "word"], name="dataset_has_a_keyword_once"),
        ]

    def __str__(self) -> str:
        return self.word


class DatasetRecipient(models.Model):
    """Somebody the sender named; gets a link when the dataset is released."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="recipients")
    email = models.EmailField(db_index=True)

    class Meta:
        ordering = ["email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["dataset", "email"], name="dataset_has_a_recipient_once"),
        ]

    def __str__(self) -> str:
        return self.email
