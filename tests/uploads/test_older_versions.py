"""A changed file becomes a new version of the same path; the older verified bytes are kept until the release."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from dataplane.localstore import LocalStore
from dataplane.store import VERSIONS
from portal.models import AuditEvent, DataFile, Dataset, Project, User
from portal.older_versions import open_older
from portal.storage import file_key, store, version_key
from tests.uploads.conftest import Pc
from uploads.services import older_versions, verification
from uploads.services.older_versions import remove_older_versions, remove_stray_versions
from uploads.services.release import no_longer_safe
from uploads.services.sweep import expire_uploads
from uploads.services.work import sweep

Worker = Callable[[], None]
PATH = "run/scan.tif"


class Crash(BaseException):
    """The worker is killed."""


def send_version(ada: Pc, dataset: Dataset, worker: Worker, data: bytes) -> DataFile:
    file = ada.send(dataset, PATH, data)
    worker()
    file.refresh_from_db()
    return file


def older(dataset: Dataset) -> list[bytes]:
    """What is kept, the oldest first."""
    dataset.refresh_from_db()
    files = DataFile.objects.older_versions().filter(dataset=dataset).order_by("pk")
    kept = [_read(dataset, file) for file in files]
    assert dataset.bytes_kept == sum(map(len, kept))
    return kept


def _read(dataset: Dataset, file: DataFile) -> bytes:
    with open_older(dataset, file) as stream:
        return stream.read()


def current(dataset: Dataset) -> bytes:
    file = DataFile.objects.current().get(dataset=dataset)
    assert file.state == DataFile.State.VERIFIED
    return store().path(file_key(dataset, file)).read_bytes()


def test_all_of_a_hundred_versions_are_kept_until_the_release(ada: Pc, dataset: Dataset, worker: Worker) -> None:
    contents = [f"version {number}".encode() for number in range(100)]
    for data in contents:
        send_version(ada, dataset, worker, data)
    assert older(dataset) == contents[:-1]
    assert current(dataset) == contents[-1]
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.verified_count, dataset.bytes_expected) == (1, 1, len(contents[-1]))
    assert ada.close(dataset).status_code == 200
    worker()
    assert older(dataset) == []
    assert store().keys(VERSIONS) == []
    assert current(dataset) == contents[-1]
    assert DataFile.objects.filter(dataset=dataset, kept=DataFile.Kept.GONE).count() == 99


def test_the_older_version_can_be_read_while_the_newer_is_on_its_way(ada: Pc, dataset: Dataset, worker: Worker) -> None:
    send_version(ada, dataset, worker, b"first")
    address = ada.start(6, dataset=dataset, path=PATH, sha256=Pc.sha256(b"second"))
    assert older(dataset) == [b"first"]
    ada.patch(address, 0, b"sec")
    assert older(dataset) == [b"first"]
    ada.patch(address, 3, b"ond")
    assert older(dataset) == [b"first"]
    worker()
    assert (older(dataset), current(dataset)) == ([b"first"], b"second")


@pytest.mark.parametrize("dies", ["before", "aside", "placed", "recorded"])
def test_a_worker_that_dies_between_any_two_steps_loses_no_version(
    ada: Pc, dataset: Dataset, worker: Worker, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    send_version(ada, dataset, worker, b"first")
    ada.send(dataset, PATH, b"second")
    with monkeypatch.context() as patch:
        _let_die(patch, dies)
        with pytest.raises(Crash):
            worker()
    assert older(dataset) == [b"first"]
    _forget_claims()
    sweep(clock=timezone.now)
    assert (older(dataset), current(dataset)) == ([b"first"], b"second")
    send_version(ada, dataset, worker, b"third")
    assert (older(dataset), current(dataset)) == ([b"first", b"second"], b"third")


def _let_die(patch: pytest.MonkeyPatch, step: str) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise Crash

    def after(action: Any) -> Any:
        def done(*args: Any, **kwargs: Any) -> Any:
            action(*args, **kwargs)
            raise Crash

        return done

    if step == "before":
        patch.setattr(verification, "set_aside", crash)
    elif step == "aside":
        patch.setattr(verification, "set_aside", after(older_versions.set_aside))
    elif step == "placed":
        patch.setattr(LocalStore, "place", after(LocalStore.place))
    else:
        patch.setattr(verification, "say_aside", after(older_versions.say_aside))


def _forget_claims() -> None:
    DataFile.objects.update(leased_until=None, claimed_by="")


def test_what_was_verified_before_is_the_file_again_when_its_successor_never_came(
    ada: Pc, dataset: Dataset, worker: Worker
) -> None:
    send_version(ada, dataset, worker, b"first")
    ada.announce(dataset, {"path": PATH, "size": 6, "sha256": Pc.sha256(b"second")})
    assert ada.post(f"/datasets/{dataset.pk}/files/withdraw", {"paths": [PATH]}).status_code == 200
    assert (older(dataset), current(dataset)) == ([], b"first")
    assert (dataset.file_count, dataset.verified_count, dataset.bytes_expected) == (1, 1, 5)

    ada.create(6, b"sec", dataset=dataset, path=PATH)
    assert older(dataset) == [b"first"]
    assert len(expire_uploads(now=timezone.now() + timedelta(days=30))) == 1
    assert (older(dataset), current(dataset)) == ([], b"first")
    ada.close(dataset)
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.RELEASED


def test_a_crash_while_removing_is_finished_by_the_sweep(
    ada: Pc, dataset: Dataset, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (b"first", b"second", b"third"):
        send_version(ada, dataset, worker, data)
    ada.close(dataset)
    with monkeypatch.context() as patch:
        patch.setattr("uploads.services.older_versions.apply_change", _raise_crash)
        with pytest.raises(Crash):
            worker()
    dataset.refresh_from_db()
    assert dataset.bytes_kept == len(b"firstsecond")
    assert len(remove_older_versions()) == 2
    assert (older(dataset), current(dataset)) == ([], b"third")
    assert remove_older_versions() == []


def _raise_crash(*_: object) -> None:
    raise Crash


def test_the_quota_counts_what_is_kept(ada: Pc, dataset: Dataset, worker: Worker, project: Project) -> None:
    send_version(ada, dataset, worker, b"x" * 60)
    Project.objects.update(quota_bytes=150)
    send_version(ada, dataset, worker, b"y" * 60)
    refused = ada.create(60, b"z" * 60, dataset=dataset, path=PATH, sha256=Pc.sha256(b"z" * 60))
    assert refused.status_code == 507
    assert (older(dataset), current(dataset)) == ([b"x" * 60], b"y" * 60)


def test_strays_are_removed_and_nothing_else(ada: Pc, dataset: Dataset, worker: Worker) -> None:
    send_version(ada, dataset, worker, b"first")
    file = send_version(ada, dataset, worker, b"second")
    stray = store().path(f"{version_key(file)}000")
    stray.write_bytes(b"nobody's")
    assert remove_stray_versions() == [f"{version_key(file)}000"]
    assert older(dataset) == [b"first"]


def test_members_see_older_versions_and_operators_download_them(
    ada: Pc, dataset: Dataset, worker: Worker, bob: User, charlie: User, sign_in: Any
) -> None:
    send_version(ada, dataset, worker, b"first")
    old = DataFile.objects.get(dataset=dataset)
    send_version(ada, dataset, worker, b"second")
    operator: Client = sign_in(bob)
    listed = operator.get(f"/datasets/{dataset.pk}/versions").content.decode()
    address = f"/datasets/{dataset.pk}/versions/{old.pk}"
    assert address in listed
    assert "older version of files" in operator.get(f"/datasets/{dataset.pk}/panels/arrival").content.decode()
    answer: Any = operator.get(address)
    assert b"".join(answer.streaming_content) == b"first"
    assert AuditEvent.objects.get(kind="older_version_downloaded").subject == PATH
    stranger: Client = sign_in(charlie)
    assert stranger.get(address).status_code == 404
    ada.close(dataset)
    worker()
    assert operator.get(address).status_code == 404
    assert "removed" in operator.get(f"/datasets/{dataset.pk}/versions").content.decode()


def test_a_dataset_is_safe_to_delete_from_its_release_until_a_file_is_found_corrupt(
    ada: Pc, dataset: Dataset, worker: Worker
) -> None:
    send_version(ada, dataset, worker, b"first")
    assert ada.get(f"/datasets/{dataset.pk}").json()["safe_to_delete_since"] is None
    answer = ada.close(dataset).json()
    assert answer["safe_to_delete_since"] == answer["released_at"]
    with transaction.atomic():
        assert no_longer_safe(dataset.pk)
        assert not no_longer_safe(dataset.pk)
    assert ada.get(f"/datasets/{dataset.pk}").json()["safe_to_delete_since"] is None
    assert AuditEvent.objects.filter(kind="dataset_no_longer_safe").count() == 1
