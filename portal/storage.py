"""Where files lie. No other room builds a path or a key.

Received bytes wait under ``.received/`` and move to ``<project>/<dataset>/<path>`` once verified, so whoever reads the
folder directly sees whole, verified files only.
"""

from functools import cache
from typing import BinaryIO

from django.conf import settings

from dataplane.localstore import RECEIVED, LocalStore
from dataplane.store import VERSIONS
from portal.models import DataFile, Dataset


@cache
def store() -> LocalStore:
    local = LocalStore(settings.FILES_ROOT)
    local.prepare()
    return local


def dataset_key(dataset: Dataset) -> str:
    """The folder of ``dataset`` below the store's root."""
    return f"{dataset.project.code}/{dataset.name}"


def file_key(dataset: Dataset, file: DataFile) -> str:
    """Where the verified bytes of ``file`` lie."""
    return f"{dataset_key(dataset)}/{file.path}"


def open_verified(dataset: Dataset, path: str, offset: int = 0) -> BinaryIO:
    """The verified file at ``path`` of ``dataset``, unbuffered, at ``offset`` bytes. Raises NotStored."""
    return store().open(f"{dataset_key(dataset)}/{path}", offset)


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
