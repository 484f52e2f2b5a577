from typing import ClassVar

from django.db import models
from django.db.models import Q

from portal.models.datasets import Dataset
from portal.models.work import Work, WorkQuerySet


class DataFileQuerySet(WorkQuerySet["DataFile"]):
    def current(self) -> "DataFileQuerySet":
        return self.exclude(state=DataFile.State.SUPERSEDED)

    def verified(self) -> "DataFileQuerySet":
        return self.filter(state=DataFile.State.VERIFIED)

    def stored(self) -> "DataFileQuerySet":
        """Verified, and their dataset is not deleted: their bytes have to be there."""
        return self.verified().exclude(dataset__state__in=Dataset.GONE)

    def older_versions(self) -> "DataFileQuerySet":
        """Versions that were verified, then replaced, and whose bytes are still there."""
        return self.filter(kept__in=[DataFile.Kept.IN_PLACE, DataFile.Kept.ASIDE])

    def to_verify(self) -> "DataFileQuerySet":
        """Arrived whole, and the sender has stated the checksum."""
        return self.filter(state=DataFile.State.RECEIVED).exclude(sha256="")


class DataFile(Work):
    """One file of a dataset. As work: to be read back and compared while ``received`` with a stated checksum."""

    class State(models.TextChoices):
        EXPECTED = "expected", "expected"
        RECEIVED = "received", "received"
        VERIFIED = "verified", "verified"
        CORRUPT = "corrupt", "corrupt"
        SUPERSEDED = "superseded", "superseded"

    class Kept(models.TextChoices):
        NOT = "", "not an older version"
        IN_PLACE = "in_place", "still in the dataset's folder"
        ASIDE = "aside", "moved aside"
        GONE = "gone", "removed"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=1024, help_text="Relative, `/`, NFC.")
    path_key = models.CharField(
        max_length=64,
        editable=False,
        help_text="SHA-256 of the case-folded path, hex: unique in a dataset, short in an index.",
    )
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    mtime_ns = models.BigIntegerField(
        null=True, blank=True, help_text="Modified at the source, nanoseconds since 1970 UTC."
    )
    sha256 = models.CharField(max_length=64, blank=True, default="", help_text="As the sender stated it, hex.")
    crc32 = models.BigIntegerField(null=True, blank=True, help_text="Of the bytes read back, once verified.")
    state = models.CharField(max_length=10, choices=State, default=State.EXPECTED)
    received_key = models.CharField(
        max_length=64, blank=True, default="", help_text="Where the bytes wait for verification."
    )
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it is corrupt.")
    received_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    kept = models.CharField(
        max_length=8, choices=Kept, default=Kept.NOT, blank=True, help_text="Where an older version's bytes are."
    )

    objects = DataFileQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["dataset", "path"], name="files_of_a_dataset_by_path"),
            models.Index(fields=["dataset", "state", "path"], name="files_of_a_dataset_by_state"),
            models.Index(fields=["received_at"], condition=Q(state="received"), name="files_awaiting_verification"),
            models.Index(
                fields=["dataset", "path_key"],
                condition=Q(kept__in=["in_place", "aside"]),
                name="older_versions_kept",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["dataset", "path_key"],
                condition=~Q(state="superseded"),
                name="path_is_unique_in_a_dataset",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified")
                | (~Q(sha256="") & Q(crc32__isnull=False) & Q(verified_at__isnull=False)),
                name="verified_file_has_its_checksums",
            ),
            models.CheckConstraint(condition=~Q(state="corrupt") | ~Q(reason=""), name="corrupt_file_says_why"),
            models.CheckConstraint(condition=Q(kept="") | Q(state="superseded"), name="only_older_versions_are_kept"),
        ]

    def __str__(self) -> str:
        return self.path
