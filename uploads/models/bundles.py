"""Many small files in one upload, on their way to becoming files."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from portal.models import Dataset
from portal.models.work import Work, WorkQuerySet
from uploads.models.uploads import Upload


class BundleQuerySet(WorkQuerySet["Bundle"]):
    def waiting(self) -> Self:
        """Arrived whole and not unpacked to the end."""
        return self.filter(state=Bundle.State.RECEIVED)

    def under_way(self) -> Self:
        """Whose files are not all in the dataset yet and may still come."""
        coming = Q(state=Bundle.State.RECEIVING, upload__state=Upload.State.RECEIVING)
        return self.filter(coming | Q(state=Bundle.State.RECEIVED))


class Bundle(Work):
    """One upload that holds many small files in a tar. As work: to be unpacked while ``received``.

    ``done_count`` members were looked at, in the order of the tar; ``bad`` says what became of those that are not
    verified: path, sha256, state (corrupt, invalid, skipped) and reason.
    """

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        RECEIVED = "received", "received"
        UNPACKED = "unpacked", "unpacked"
        REFUSED = "refused", "refused"

    upload = models.OneToOneField(Upload, on_delete=models.CASCADE, primary_key=True, related_name="bundle")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="bundles")
    state = models.CharField(max_length=9, choices=State, default=State.RECEIVING)
    file_count = models.PositiveIntegerField(help_text="Members, as the sender announced them.")
    manifest_at = models.PositiveBigIntegerField(help_text="Where the manifest begins, in bytes.")
    size = models.PositiveBigIntegerField(help_text="Bytes of the tar.")
    received_key = models.CharField(max_length=64, blank=True, default="", help_text="Where the tar waits.")
    done_count = models.PositiveIntegerField(default=0)
    verified_count = models.PositiveIntegerField(default=0)
    bytes_verified = models.PositiveBigIntegerField(default=0)
    bad = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it was refused, or is put off.")
    received_at = models.DateTimeField(null=True, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["received_at"], condition=Q(state="received"), name="bundles_awaiting_unpacking"),
            models.Index(
                fields=["dataset"], condition=Q(state__in=["receiving", "received"]), name="bundles_under_way"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(done_count__lte=F("file_count"), verified_count__lte=F("done_count")),
                name="bundle_unpacks_only_its_files",
            ),
            models.CheckConstraint(
                condition=~Q(state="received") | Q(received_at__isnull=False), name="received_bundle_knows_when"
            ),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(reason=""), name="refused_bundle_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.done_count} of {self.file_count} files)"
