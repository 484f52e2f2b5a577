"""Where files lie. No other room builds a path or a key.

Received bytes always wait in the folder of this machine, under ``.received/``. Verified ones go to the store of their
dataset, as ``<project>/<dataset>/<path>``, so whoever reads a store directly sees whole, verified files only.
"""

from functools import cache

from django.conf import settings

from dataplane.errors import NotStored
from dataplane.localstore import RECEIVED, LocalStore
from dataplane.store import VERSIONS, Store, Stream
from portal.models import DataFile, Dataset
from portal.stores import LOCAL, make_store


@cache
def store() -> LocalStore:
    """The folder of this machine: what is received waits here, and the store called ``local`` is here."""
    local = LocalStore(settings.FILES_ROOT)
    local.prepare()
    return local


@cache
def store_named(name: str) -> Store:
    """Made once, and again as long as it does not answer. Raises StoreTrouble, OSError."""
    if name == LOCAL:
        return store()
    made = make_store(name)
    made.prepare()
    return made


def store_of(dataset: Dataset) -> Store:
    """Where the verified files of ``dataset`` lie. Raises as ``store_named``."""
    return store_named(dataset.store)


def dataset_key(dataset: Dataset) -> str:
    """The folder of ``dataset`` below the store's root."""
    return f"{dataset.project.code}/{dataset.name}"


def file_key(dataset: Dataset, file: DataFile) -> str:
    """Where the verified bytes of ``file`` lie."""
    return f"{dataset_key(dataset)}/{file.path}"


def longest_path(dataset: Dataset) -> int | None:
    """Bytes of UTF-8 that a path in ``dataset`` may have where its files lie; None when the portal's own limit is the
    only one."""
    said = settings.STORES.get(dataset.store)
    if said is None or said.longest_key is None:
        return None
    return max(0, said.longest_key - len(f"{dataset_key(dataset)}/".encode()))


def open_verified(dataset: Dataset, path: str, start: int = 0, stop: int | None = None) -> Stream:
    """The verified file at ``path`` of ``dataset``, at ``start`` bytes; ``stop``: where reading will end, if known.

    A dataset that was moved to another store since ``dataset`` was read is found there. Raises NotStored, StoreTrouble.
    """
    key = f"{dataset_key(dataset)}/{path}"
    try:
        return store_of(dataset).open(key, start, stop)
    except NotStored:
        lies_in = Dataset.objects.values_list("store", flat=True).get(pk=dataset.pk)
        if lies_in == dataset.store:
            raise
        return store_named(lies_in).open(key, start, stop)


def unpacked_key(upload_id: str, attempt: int, place: int) -> str:
    """Where a member of a bundle waits until it was read back; no two attempts write to the same place."""
    return f"{RECEIVED}/{upload_id}.{attempt}.{place}"


def upload_of_key(key: str) -> str:
    """The id of the upload that brought what waits at ``key``, whole or as a member of a bundle."""
    return key.removeprefix(f"{RECEIVED}/").partition(".")[0]


def version_key(file: DataFile) -> str:
    """Where the bytes of ``file`` are kept once a newer version has taken its place."""
    return f"{VERSIONS}/{file.pk}"


def received_key(upload_id: str) -> str:
    """Where the bytes of a finished upload wait for verification."""
    return f"{RECEIVED}/{upload_id}"
