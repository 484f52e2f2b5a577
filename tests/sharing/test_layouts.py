from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import DataFile, Dataset
from sharing.layouts import layout_of, shelf
from sharing.services.dispatch import dispatch_dataset
from sharing.tasks import lay_out_dataset_task
from tests.conftest import Bells
from tests.sharing.conftest import FILES, MakeDataset, store_file

pytestmark = pytest.mark.django_db


def add_file(dataset: Dataset, path: str, content: bytes) -> Dataset:
    """Verified, with a new revision; the dataset as the database has it now."""
    store_file(dataset, path, content).save()
    changed = Dataset.objects.get(pk=dataset.pk)
    changed.revision += 1
    changed.file_count += 1
    changed.verified_count += 1
    changed.bytes_verified += len(content)
    changed.save()
    return changed


def test_rows_are_read_once_for_a_revision(dataset: Dataset) -> None:
    first = layout_of(dataset)
    shelf().forget()
    with CaptureQueriesContext(connection) as queries:
        again = layout_of(dataset)
    assert (len(queries), again.etag) == (0, first.etag)


def test_large_layouts_are_made_at_the_release(
    make_dataset: MakeDataset, bells: Bells, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr("sharing.services.dispatch.LARGE", 4)
    large, small = make_dataset(FILES), make_dataset({"a": b"1"})
    for dataset, wanted in ((large, 1), (small, 0)):
        with django_capture_on_commit_callbacks(execute=True):
            dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
        rung = [ids for name, ids in bells if name == "sharing.tasks.lay_out_dataset_task"]
        assert rung.count((str(dataset.pk),)) == wanted
    lay_out_dataset_task(str(large.pk))
    with CaptureQueriesContext(connection) as queries:
        assert layout_of(large).file_count == 4
    assert len(queries) == 0


def test_files_verified_meanwhile_make_it_a_later_revision(dataset: Dataset) -> None:
    seen_before = Dataset.objects.get(pk=dataset.pk)
    now = add_file(dataset, "late.txt", b"late")
    assert (layout_of(seen_before).revision, layout_of(seen_before).file_count) == (2, 5)
    assert layout_of(now).etag.startswith('"2-')


def test_a_revision_has_the_same_etag_whenever_its_layout_is_made(dataset: Dataset) -> None:
    first = layout_of(dataset)
    shelf().sweep(room=0, unused_since=0)
    shelf().forget()
    Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.EXPIRED)
    assert layout_of(Dataset.objects.get(pk=dataset.pk)).etag == first.etag


def test_a_restored_database_that_counts_the_same_revisions_again_gets_its_own_files(dataset: Dataset) -> None:
    layout_of(dataset)
    DataFile.objects.filter(dataset=dataset, path="notes.txt").delete()
    Dataset.objects.filter(pk=dataset.pk).update(verified_count=3, bytes_verified=8004)
    assert layout_of(Dataset.objects.get(pk=dataset.pk)).file_count == 3


def test_an_empty_dataset_has_a_zip_of_its_manifest_alone(dataset: Dataset) -> None:
    DataFile.objects.filter(dataset=dataset).delete()
    Dataset.objects.filter(pk=dataset.pk).update(verified_count=0, bytes_verified=0)
    assert (layout := layout_of(Dataset.objects.get(pk=dataset.pk))).file_count == 0
    assert layout.total > 0
