"""Older versions of files: their verified bytes are kept until the dataset is released, then removed.

A version that is replaced stays in the dataset's folder until the new one is placed; just before, its bytes get a
second name under `.versions/`, so there is no moment at which they have none. Doing any step again does no harm: a
name that is there already is left alone, whatever lies in the dataset's folder by then.

Why until the release and not the closing: while a closed dataset waits for a corrupt file to be sent again, the older
version may be all there is.
"""

from collections.abc import Iterator, Sequence

import structlog
from django.db import transaction
from django.db.models import Q

from dataplane.store import VERSIONS, Placement
from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset
from portal.models.files import DataFileQuerySet
from portal.storage import file_key, store_named, store_of, version_key
from portal.stores import store_names
from uploads.services.versions import lock_dataset

log = structlog.get_logger(__name__)

Kept = DataFile.Kept

_AT_ONCE = 500
_KEEPING = (Dataset.State.OPEN, Dataset.State.CLOSED)


def set_aside(dataset: Dataset, path_keys: Sequence[str]) -> None:
    """Give the bytes that files with these keys are about to replace their second name.

    Call it before the new files are placed. Cost: one query for each 500 files.
    """
    for keys in _batches(list(path_keys)):
        older = list(_in_place(dataset, keys))
        missing = store_of(dataset).set_aside(Placement(file_key(dataset, file), version_key(file)) for file in older)
        for key in missing:
            log.error("older_version_missing", key=key, dataset=str(dataset.pk))


def say_aside(dataset: Dataset, path_keys: Sequence[str]) -> None:
    """The new files stand in their places; call it in the transaction that says so."""
    for keys in _batches(list(path_keys)):
        _in_place(dataset, keys).update(kept=Kept.ASIDE)


def remove_older_versions(*, dry_run: bool = False) -> list[DataFile]:
    """Remove what datasets that were released keep; the rows stay. Those that were, or would be, removed.

    Bytes first, then the rows: a worker that dies in between leaves rows that are found again.
    """
    kept = DataFile.objects.older_versions().exclude(dataset__state__in=_KEEPING)
    kept = kept.select_related("dataset__project").order_by("pk")
    if dry_run:
        return list(kept)
    removed: list[DataFile] = []
    while files := list(kept[:_AT_ONCE]):
        for file in files:
            _remove_bytes(file)
        for dataset in {file.dataset for file in files}:
            _say_gone(dataset, [file for file in files if file.dataset_id == dataset.pk])
        removed += files
    return removed


def remove_stray_versions() -> list[str]:
    """Remove bytes under `.versions/` that no row keeps or will keep; their keys.

    The second name may be given before the row says so: in a dataset that still changes, it is no stray.
    """
    strays: list[str] = []
    for name in store_names():
        store = store_named(name)
        for batch in _batches(store.keys(VERSIONS)):
            rows = DataFile.objects.filter(pk__in=[key.rpartition("/")[2] for key in batch], dataset__store=name)
            wanted = rows.exclude(kept=Kept.GONE).exclude(Q(kept=Kept.NOT) & ~Q(dataset__state__in=_KEEPING))
            found = sorted(set(batch) - {version_key(file) for file in wanted})
            for key in found:
                store.delete(key)
            strays += found
    return strays


def _in_place(dataset: Dataset, path_keys: Sequence[str]) -> DataFileQuerySet:
    return DataFile.objects.filter(dataset=dataset, path_key__in=path_keys, kept=Kept.IN_PLACE)


def _remove_bytes(file: DataFile) -> None:
    store_of(file.dataset).delete(version_key(file))
    current = DataFile.objects.current().filter(dataset=file.dataset_id, path_key=file.path_key)
    if file.kept == Kept.IN_PLACE and not current.exists():  # its successor was withdrawn
        store_of(file.dataset).delete(file_key(file.dataset, file))


@transaction.atomic
def _say_gone(dataset: Dataset, files: list[DataFile]) -> None:
    lock_dataset(dataset.pk)
    still = DataFile.objects.older_versions().filter(pk__in=[file.pk for file in files])
    size = sum(still.values_list("size", flat=True))
    still.update(kept=Kept.GONE)
    apply_change(dataset.pk, Change(bytes_kept=-size))


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _AT_ONCE):
        yield keys[start : start + _AT_ONCE]
