"""Where verified bytes lie besides their dataset's store."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from portal.models import DataFile, Dataset
from portal.models.work import Work, WorkQuerySet


class FileCopyQuerySet(WorkQuerySet["FileCopy"]):
    def to_make(self) -> "FileCopyQuerySet":
        wanted = self.filter(state=FileCopy.State.WANTED, file__state=DataFile.State.VERIFIED)
        return wanted.exclude(dataset__state__in=Dataset.GONE)

    def to_remove(self) -> "FileCopyQuerySet":
        """Not before the dataset itself has left that store."""
        return self.filter(state=FileCopy.State.LEAVING).exclude(store=F("dataset__store"))

    def good(self) -> "FileCopyQuerySet":
        return self.filter(state=FileCopy.State.GOOD)


class FileCopy(Work):
    """Bytes of a file in another store than its dataset's. As work: to be made, or to be removed.

    A second copy, or one on its way to becoming the first: a dataset moves by having a good copy of each file in the
    store it goes to. What it leaves behind there is a copy too, until its bytes are removed.
    """

    class State(models.TextChoices):
        WANTED = "wanted", "to be made"
        GOOD = "good", "read back and right"
        LEAVING = "leaving", "to be removed"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="copies")
    file = models.ForeignKey(DataFile, on_delete=models.CASCADE, related_name="copies")
    store = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=State, default=State.WANTED)
    reason = models.CharField(max_length=300, blank=True, default="", help_text="Why it could not be made yet.")
    made_at = models.DateTimeField(null=True, blank=True)

    objects = FileCopyQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["dataset", "store", "state"], name="copies_of_a_dataset"),
            models.Index(fields=["id"], condition=~Q(state="good"), name="copies_to_make_or_remove"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["file", "store"], name="file_has_one_copy_in_a_store"),
            models.CheckConstraint(
                condition=~Q(state="good") | Q(made_at__isnull=False), name="good_copy_says_since_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file} in {self.store}"


class CopyPlan(models.Model):
    """Up to which revision a dataset's second copies were asked for, so that nobody compares its files in vain."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="copy_plans")
    store = models.CharField(max_length=40)
    revision = models.PositiveIntegerField()
    moving_since = models.DateTimeField(
        null=True, blank=True, help_text="The dataset moves there; only copies made since are believed."
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["dataset", "store"], name="dataset_is_planned_once_for_a_store"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} in {self.store}"
