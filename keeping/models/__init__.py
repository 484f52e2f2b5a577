"""The nouns of this room. One file a family; import them from here."""

from keeping.models.asked import AskedPerson
from keeping.models.classes import RetentionClass
from keeping.models.copies import CopyPlan, FileCopy, FileCopyQuerySet
from keeping.models.keepings import Keeping, KeepingQuerySet
from keeping.models.rounds import Round

__all__ = [
    "AskedPerson",
    "CopyPlan",
    "FileCopy",
    "FileCopyQuerySet",
    "Keeping",
    "KeepingQuerySet",
    "RetentionClass",
    "Round",
]
