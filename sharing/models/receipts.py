"""What was taken with each link, and what is being taken."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from portal.models import DataFile
from sharing.models.links import ShareLink


class Receipt(models.Model):
    """What one link has taken of one thing, in as many requests as it took.

    A file row is one version of a file, so its receipt holds for all revisions; zips are of one revision each.
    """

    class Kind(models.TextChoices):
        ZIP = "zip", "everything as a zip"
        PART = "part", "some files as a zip"
        FILE = "file", "a file"
        MANIFEST = "manifest", "the list of checksums"
        COPY = "copy", "everything, into another project"
        PUSH = "push", "everything, to storage of their own"

    class State(models.TextChoices):
        STARTED = "started", "started"
        PARTIAL = "partial", "partial"
        COMPLETE = "complete", "complete"
        VERIFIED = "verified", "verified"

    WHOLE: ClassVar[tuple[State, ...]] = (State.COMPLETE, State.VERIFIED)

    link = models.ForeignKey(ShareLink, on_delete=models.PROTECT, related_name="receipts")
    kind = models.CharField(max_length=8, choices=Kind)
    part = models.CharField(max_length=16, blank=True, default="", help_text="Fingerprint of the files selected.")
    subject = models.CharField(max_length=300, blank=True, default="", help_text="The files selected, in words.")
    file = models.ForeignKey(DataFile, on_delete=models.PROTECT, null=True, blank=True, related_name="receipts")
    revision = models.PositiveIntegerField(help_text="Of the dataset.")
    bytes_total = models.PositiveBigIntegerField()
    bytes_sent = models.PositiveBigIntegerField(default=0, help_text="Different bytes; none counts twice.")
    spans = models.JSONField(
        default=list,
        help_text="Merged half-open byte ranges, `[[0, 100], [200, 300]]`; none for what came in a bundle.",
    )
    state = models.CharField(max_length=8, choices=State, default=State.STARTED)
    requests = models.PositiveIntegerField(default=0)
    takings = models.PositiveIntegerField(default=0, help_text="How often it was begun anew (`services.takings`).")
    taking_spans = models.JSONField(default=list, help_text="As `spans`, of the newest taking alone.")
    taking_again = models.PositiveBigIntegerField(default=0, help_text="Bytes of it that were sent more than once.")
    taking_whole = models.BooleanField(default=False, help_text="It has every byte.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["link", "-last_at"], name="receipts_of_a_link"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["link", "file"], condition=Q(kind="file"), name="file_has_one_receipt_of_a_link"
            ),
            models.UniqueConstraint(
                fields=["link", "kind", "part", "revision"],
                condition=~Q(kind="file"),
                name="zip_has_one_receipt_of_a_link",
            ),
            models.CheckConstraint(
                condition=Q(kind="file", file__isnull=False) | ~Q(kind="file") & Q(file__isnull=True),
                name="receipt_names_a_file_exactly_if_it_is_for_one",
            ),
            models.CheckConstraint(
                condition=Q(kind="part") & ~Q(part="") | ~Q(kind="part") & Q(part=""),
                name="receipt_names_a_part_exactly_if_it_is_for_one",
            ),
            models.CheckConstraint(
                condition=Q(bytes_sent__lte=F("bytes_total")), name="receipt_counts_at_most_the_whole"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["complete", "verified"]) | Q(bytes_sent=F("bytes_total")),
                name="complete_receipt_has_every_byte",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.state})"


class RunningRequest(models.Model):
    """One request that is being answered. A row whose process died says what it may have sent (`services.unended`)."""

    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE, related_name="running")
    spans = models.JSONField(help_text="The byte ranges asked for, in the order in which they are sent.")
    process = models.CharField(max_length=120, help_text="Which process answers (`dataplane.lifesign`).")
    place = models.PositiveIntegerField(
        null=True, help_text="Where that process notes how far it came; none when nothing more is to be learned there."
    )
    began_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["began_at"], name="requests_that_began_long_ago")]

    def __str__(self) -> str:
        return f"{self.receipt} by {self.process}"
