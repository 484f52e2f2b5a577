"""A second copy of each verified file in another store, made by itself and seen on the dataset's page."""

import hashlib
import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dataplane.store import Store
from keeping.models import CopyPlan, FileCopy
from keeping.services.copies import make_copies
from keeping.services.second_copies import plan_second_copies, remove_unfinished
from keeping.tasks import copy_task
from portal import storage
from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset, Project, User
from portal.stores.declared import FolderSettings
from portal.stores.s3 import S3Store
from tests.conftest import SignIn
from tests.keeping.conftest import MakeDataset, keys_of, some_files

FILES = some_files() | {"large.mrc": os.urandom(3 * 2**20), "empty": b""}


def copied_content(store: str, dataset: Dataset, path: str) -> bytes:
    with storage.store_named(store).open(f"em/{dataset.name}/{path}") as stream:
        return stream.read()


@pytest.fixture
def wanted(project: Project, other: str) -> str:
    """The store in which the project wants second copies."""
    Project.objects.update(copy_store=other)
    return other


def test_each_verified_file_is_copied_and_read_back(make_dataset: MakeDataset, wanted: str) -> None:
    dataset = make_dataset(FILES)
    copy_task()
    assert {path: copied_content(wanted, dataset, path) for path in FILES} == FILES
    assert FileCopy.objects.good().filter(store=wanted).count() == len(FILES)
    assert keys_of("local", dataset) == sorted(FILES)


def test_what_is_copied_is_not_looked_at_again(
    make_dataset: MakeDataset, wanted: str, django_assert_num_queries: Any
) -> None:
    make_dataset(FILES)
    copy_task()
    with django_assert_num_queries(1):
        assert plan_second_copies() == 0


def test_files_that_are_verified_later_are_copied_later(make_dataset: MakeDataset, wanted: str) -> None:
    dataset = make_dataset(
        {"a.tif": b"12345"}, state="open", closed_at=None, released_at=None, safe_to_delete_since=None
    )
    copy_task()
    second = make_dataset({"b.tif": b"67890"})
    DataFile.objects.filter(dataset=second).update(dataset=dataset)
    (storage.store().root / "em" / second.name / "b.tif").rename(storage.store().root / "em" / dataset.name / "b.tif")
    apply_change(dataset.pk, Change(files=1, verified=1, bytes_verified=5))
    copy_task()
    assert keys_of(wanted, dataset) == ["a.tif", "b.tif"]


def test_a_newer_version_replaces_its_copy(make_dataset: MakeDataset, wanted: str) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    copy_task()
    old = DataFile.objects.get()
    DataFile.objects.update(state="superseded")
    new = DataFile.objects.get()
    new.pk, new.state, new.sha256, new.crc32 = None, "verified", hashlib.sha256(b"newer").hexdigest(), 0x7F3AD4C4
    new.save()
    (storage.store().root / "em" / dataset.name / "a.tif").write_bytes(b"newer")
    Dataset.objects.update(revision=2)
    copy_task()
    assert copied_content(wanted, dataset, "a.tif") == b"newer"
    assert [copy.file_id for copy in FileCopy.objects.all()] == [new.pk]
    assert old.pk != new.pk


def test_trouble_is_shown_and_tried_again_later(
    make_dataset: MakeDataset, wanted: str, monkeypatch: pytest.MonkeyPatch, sign_in: SignIn, sam: User
) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(storage.store_named(wanted)), "put", full)
        patch.setattr("keeping.services.second_copies.refuse_same_place", lambda *stores: None)
        copy_task()
    page = sign_in(sam).get(dataset.get_absolute_url()).content.decode()
    assert "No space left on device" in page
    assert "Second copies waiting" in sign_in(sam).get("/staff/").content.decode()
    make_copies(clock=timezone.now)
    assert FileCopy.objects.good().count() == 0
    make_copies(clock=lambda: timezone.now() + timedelta(hours=2))
    assert FileCopy.objects.good().count() == 2


def test_the_page_of_a_dataset_says_where_it_is_kept(
    make_dataset: MakeDataset, wanted: str, sign_in: SignIn, alice: User, django_assert_max_num_queries: Any
) -> None:
    dataset = make_dataset(FILES)
    client = sign_in(alice)
    before = client.get(dataset.get_absolute_url()).content.decode()
    assert f"A second copy goes to the store “{wanted}”" in before
    copy_task()
    panel = client.get(f"{dataset.get_absolute_url()}panels/kept").content.decode()
    assert wanted in panel
    assert "second copy" in panel
    assert "14" in panel


def test_a_dataset_that_lies_here_alone_says_nothing(make_dataset: MakeDataset, sign_in: SignIn, alice: User) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    assert "Where is it kept?" not in sign_in(alice).get(dataset.get_absolute_url()).content.decode()


def test_a_second_copy_in_the_same_place_is_none(make_dataset: MakeDataset, settings: Any, project: Project) -> None:
    settings.STORES = {"twin": FolderSettings(kind="folder", path=settings.FILES_ROOT)}
    Project.objects.update(copy_store="twin")
    make_dataset({"a.tif": b"12345"})
    copy_task()
    assert (FileCopy.objects.count(), CopyPlan.objects.count()) == (0, 0)


def test_copies_that_a_project_wants_no_longer_stay(make_dataset: MakeDataset, wanted: str) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    copy_task()
    Project.objects.update(copy_store="")
    copy_task()
    assert keys_of(wanted, dataset) == ["a.tif"]
    assert FileCopy.objects.good().count() == 1


def test_what_dead_writers_left_is_swept_in_every_store(archive: Store, objects: S3Store, settings: Any) -> None:
    name = f"{settings.STORES['objects'].prefix}em/x"
    objects._client.create_multipart_upload(Bucket="data", Key=name)
    left = storage.store().root / ".arriving" / "half"
    left.write_bytes(b"half")
    assert remove_unfinished(now=timezone.now()) == []
    assert sorted(remove_unfinished(now=timezone.now() + timedelta(days=8))) == [".arriving/half", name]


# --- the store of a project -------------------------------------------------------------------------------------


def test_staff_choose_the_stores_of_a_project_and_managers_do_not(
    archive: Store, sign_in: SignIn, sam: User, alice: User, project: Project
) -> None:
    said = {"name": "EM", "contact_email": "em@facility.example", "link_days": "30"}
    said |= {"store": "archive", "copy_store": "local"}
    assert sign_in(alice).post("/projects/em/settings/", said).status_code == 302
    project.refresh_from_db()
    assert (project.store, project.copy_store) == ("local", "")
    assert "archive (folder" in sign_in(sam).get("/projects/em/settings/").content.decode()
    assert sign_in(sam).post("/projects/em/settings/", said).status_code == 302
    project.refresh_from_db()
    assert (project.store, project.copy_store) == ("archive", "local")
    answer = sign_in(sam).post("/projects/em/settings/", said | {"copy_store": "archive"})
    assert answer.status_code == 422
    assert "protects from nothing" in answer.content.decode()
    assert sign_in(sam).post("/projects/em/settings/", said | {"store": "moon"}).status_code == 422


def test_where_there_is_no_choice_none_is_offered(sign_in: SignIn, sam: User, project: Project) -> None:
    assert "Second copy" not in sign_in(sam).get("/projects/em/settings/").content.decode()
