"""Reading what a newer version of a file has replaced (kept until the release: ``uploads.services.older_versions``)."""

from typing import BinaryIO

from dataplane.errors import NotStored
from portal.models import DataFile, Dataset
from portal.storage import file_key, store_of, version_key


def open_older(dataset: Dataset, file: DataFile, offset: int = 0) -> BinaryIO:
    """The bytes of an older version. Raises NotStored.

    What lies in the dataset's folder is the version only as long as it has no second name, also after opening it.
    """
    store = store_of(dataset)
    try:
        return store.open(version_key(file), offset)
    except NotStored:
        stream = store.open(file_key(dataset, file), offset)
    try:
        aside = store.open(version_key(file), offset)
    except NotStored:
        if DataFile.objects.filter(pk=file.pk, kept=DataFile.Kept.IN_PLACE).exists():
            return stream
        stream.close()
        raise
    stream.close()
    return aside
