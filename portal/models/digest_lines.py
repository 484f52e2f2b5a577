from typing import ClassVar

from django.conf import settings
from django.db import models

from portal.models.datasets import Dataset


class DigestLine(models.Model):
    """Something that a member hears of in the digest of its day instead of in a mail of its own."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField(help_text="Where the person is; the digest of this day goes out the next morning.")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60, help_text="The mail that it stands for, with subject and slot as there.")
    subject_id = models.CharField(max_length=64)
    slot = models.CharField(max_length=64)
    said = models.CharField(max_length=400, help_text="A sentence without its full stop.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "day"], name="digest_of_a_day"),
            models.Index(fields=["day"], name="digest_lines_by_day"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person", "kind", "subject_id", "slot"], name="digest_says_it_once_for_its_occasion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.said}"
