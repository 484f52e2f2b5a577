"""Rooms that follow datasets hear of each verified file: ``settings.WHEN_VERIFIED`` names their functions."""

from collections.abc import Callable, Collection

from django.conf import settings
from django.utils.module_loading import import_string

from portal.models import DataFile, Dataset

Listener = Callable[[Dataset, Collection[DataFile]], None]


def tell_verified(dataset: Dataset, files: Collection[DataFile]) -> None:
    """``files`` of ``dataset`` are verified now. Call it in the transaction that says so, with the dataset locked:
    then nothing is forgotten by whoever dies, and whoever follows hears of them in the order of the commits.
    """
    if files:
        for name in settings.WHEN_VERIFIED:
            listener: Listener = import_string(name)
            listener(dataset, files)
