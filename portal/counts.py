"""The counts of a dataset's files, kept in the transaction that changes the files, by one conditional UPDATE."""

from dataclasses import dataclass, fields
from typing import Self
from uuid import UUID

from django.db.models import F

from portal.models import Dataset


@dataclass(slots=True)
class Change:
    """What a transaction does to the counts of one dataset; negative when something is taken back."""

    files: int = 0
    bytes_expected: int = 0
    received: int = 0
    verified: int = 0
    bytes_verified: int = 0
    corrupt: int = 0
    bytes_kept: int = 0

    def __iadd__(self, other: "Change") -> Self:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        return self

    @property
    def bytes_added(self) -> int:
        """What the quota has to have room for."""
        return self.bytes_expected + self.bytes_kept


def apply_change(dataset_id: UUID, change: Change) -> None:
    """Adds ``change`` to the dataset's counts; the revision moves when the list of verified files does.

    Cost: one UPDATE, whatever the number of files.
    """
    Dataset.objects.filter(pk=dataset_id).update(
        file_count=F("file_count") + change.files,
        bytes_expected=F("bytes_expected") + change.bytes_expected,
        received_count=F("received_count") + change.received,
        verified_count=F("verified_count") + change.verified,
        bytes_verified=F("bytes_verified") + change.bytes_verified,
        corrupt_count=F("corrupt_count") + change.corrupt,
        bytes_kept=F("bytes_kept") + change.bytes_kept,
        revision=F("revision") + (1 if change.verified or change.bytes_verified else 0),
    )
