from typing import ClassVar

from django.db import models

from portal.models import Dataset


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
