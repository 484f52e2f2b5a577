"""A project keeps its files in another store: received here, verified there, read from there."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from dataplane.errors import StoreTrouble
from dataplane.localstore import LocalStore
from dataplane.store import VERSIONS, Store
from portal import storage
from portal.models import Dataset, Project
from portal.stores.declared import FolderSettings, S3Settings
from tests.bundle_samples import Sample
from tests.object_store import bucket_settings, object_store
from tests.uploads.test_bundles import FILES, bundle_of, counts, leftovers, send_bundle
from uploads.services.older_versions import remove_older_versions, remove_stray_versions
from uploads.services.work import sweep

LATER = timedelta(minutes=2)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture(params=["folder", "s3"])
def elsewhere(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, project: Project) -> Store:
    """The store that the project chose."""
    if request.param == "s3":
        server: S3Settings = request.getfixturevalue("s3_server")
        settings.STORES = {"elsewhere": bucket_settings(server.endpoint)}
    else:
        settings.STORES = {"elsewhere": FolderSettings(kind="folder", path=tmp_path / "elsewhere")}
    project.store = "elsewhere"
    project.save()
    return storage.store_named("elsewhere")


@pytest.fixture
def dataset(elsewhere: Store, ada: Any) -> Dataset:
    """Begun after the project chose."""
    made: Dataset = ada.make_dataset()
    return made


def stored(dataset: Dataset, path: str) -> bytes:
    with storage.open_verified(dataset, path) as stream:
        return stream.read()


def test_a_file_is_received_here_and_verified_there(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Callable[[], None]
) -> None:
    file = ada.send(dataset, "run/scan.tif", b"0123456789")
    assert elsewhere.keys("em") == []
    worker()
    file.refresh_from_db()
    assert (file.state, file.crc32) == ("verified", 0xA684C7C6)
    assert elsewhere.keys("em") == [f"em/{dataset.name}/run/scan.tif"]
    assert stored(dataset, "run/scan.tif") == b"0123456789"
    assert leftovers() == storage.store().keys("em") == []


def test_a_path_that_is_too_long_there_is_refused_when_it_is_announced(
    ada: Any, dataset: Dataset, elsewhere: Store
) -> None:
    path = "/".join(["d" * 200] * 4 + ["x" * 190])
    answer = ada.announce(dataset, {"path": path, "size": 1})
    if not elsewhere.far:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    (told,) = answer.json()["detail"]["files"]
    assert told["path"] == path
    assert "has 994 bytes; the storage of this project takes at most" in told["message"]
    assert ada.create(1, b"x", dataset=dataset, path=path).status_code == 422


def test_a_damaged_file_never_gets_there(ada: Any, dataset: Dataset, elsewhere: Store, worker: Any) -> None:
    file = ada.send(dataset, "scan.tif", b"0123456789", stated="0" * 64)
    worker()
    file.refresh_from_db()
    assert file.state == "corrupt"
    assert elsewhere.keys("em") == leftovers() == []


def test_bundles_end_there_and_datasets_are_released(ada: Any, dataset: Dataset, elsewhere: Store, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, FILES))
    ada.close(dataset)
    worker()
    assert counts(dataset) == (3, 0, 3, 0)
    assert dataset.state == "released"
    assert [stored(dataset, sample.path) for sample in FILES] == [sample.data for sample in FILES]
    answer = ada.get(f"/bundles/{bundle.pk}").json()
    assert (answer["state"], answer["verified"], answer["bytes"], answer["bad"]) == ("unpacked", 3, 70_004, [])
    assert leftovers() == storage.store().keys("em") == []


def test_each_bad_member_is_told_once(ada: Any, dataset: Dataset, elsewhere: Store, worker: Any) -> None:
    ada.send(dataset, "run", b"a file")
    worker()
    samples = [Sample("run/a", b"below a file"), Sample("b", b"1", sha256="0" * 64), Sample("c", b"2")]
    bundle = bundle_of(send_bundle(ada, dataset, samples))
    worker()
    bundle.refresh_from_db()
    assert [(bad["path"], bad["state"]) for bad in bundle.bad] == [("run/a", "invalid"), ("b", "corrupt")]
    assert (bundle.state, bundle.verified_count) == ("unpacked", 1)
    assert elsewhere.keys("em") == [f"em/{dataset.name}/c", f"em/{dataset.name}/run"]


def test_trouble_of_the_store_is_no_verdict(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise StoreTrouble("The store “elsewhere” does not answer. Look whether it runs.")

    file = ada.send(dataset, "scan.tif", b"0123456789")
    send_bundle(ada, dataset, FILES)
    with monkeypatch.context() as patch:
        patch.setattr(type(elsewhere), "put", fail)
        worker()
    file.refresh_from_db()
    assert (file.state, file.reason[:9]) == ("received", "The store")
    assert counts(dataset)[2:] == (0, 0)
    sweep(clock=lambda: timezone.now() + LATER)
    sweep(clock=lambda: timezone.now() + 2 * LATER)
    assert counts(dataset) == (4, 0, 4, 0)


def test_a_store_that_gives_back_other_bytes_is_not_believed(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ada.send(dataset, "scan.tif", b"0123456789")
    put = type(elsewhere).put

    def flip(store: Any, key: str, source: Any, size: int, *progress: Any) -> None:
        put(store, key, BytesIO(b"012345678X"), size)

    with monkeypatch.context() as patch:
        patch.setattr(type(elsewhere), "put", flip)
        worker()
    file.refresh_from_db()
    assert (file.state, "reads back as other bytes" in file.reason) == ("received", True)
    assert elsewhere.keys("em") == []
    sweep(clock=lambda: timezone.now() + LATER)
    assert stored(dataset, "scan.tif") == b"0123456789"


def test_a_worker_that_died_before_saying_so_costs_a_second_copy_only(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: object) -> None:
        raise SystemExit

    file = ada.send(dataset, "scan.tif", b"0123456789")
    with monkeypatch.context() as patch:
        patch.setattr("uploads.services.verification._record", die)
        with pytest.raises(SystemExit):
            worker()
    assert elsewhere.keys("em") == [f"em/{dataset.name}/scan.tif"]
    sweep(clock=lambda: timezone.now() + LATER)
    file.refresh_from_db()
    assert (file.state, leftovers()) == ("verified", [])


def test_older_versions_are_kept_there_until_the_release(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any
) -> None:
    for content in (b"first", b"second!", b"third"):
        ada.announce(dataset, {"path": "a.tif", "size": len(content), "sha256": ada.sha256(content)})
        ada.send(dataset, "a.tif", content)
        worker()
    assert len(elsewhere.keys(VERSIONS)) == 2
    assert storage.store().keys(VERSIONS) == []
    elsewhere.put(f"{VERSIONS}/99999", BytesIO(b"stray"), 5)
    assert remove_stray_versions() == [f"{VERSIONS}/99999"]
    ada.close(dataset)
    worker()
    remove_older_versions()
    assert elsewhere.keys(VERSIONS) == []
    assert stored(dataset, "a.tif") == b"third"


def test_a_dataset_stays_where_it_was_begun(
    ada: Any, dataset: Dataset, elsewhere: Store, project: Project, worker: Any
) -> None:
    project.store = "local"
    project.save()
    ada.send(dataset, "scan.tif", b"0123456789")
    worker()
    assert elsewhere.keys("em") == [f"em/{dataset.name}/scan.tif"]
    second = ada.make_dataset()
    ada.send(second, "scan.tif", b"0123456789")
    worker()
    assert (storage.store().root / "em" / second.name / "scan.tif").read_bytes() == b"0123456789"


def test_a_dataset_that_is_moved_while_a_file_is_verified_has_it_verified_again(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Dataset.objects.update(store="local")
    file = ada.send(dataset, "scan.tif", b"0123456789")
    place = LocalStore.place

    def move_meanwhile(self: LocalStore, placements: Any) -> Any:
        answer = place(self, placements)
        Dataset.objects.update(store="elsewhere")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "place", move_meanwhile)
        worker()
    file.refresh_from_db()
    assert file.state == "received"
    sweep(clock=lambda: timezone.now() + LATER)
    file.refresh_from_db()
    assert file.state == "verified"
    dataset.refresh_from_db()
    assert stored(dataset, "scan.tif") == b"0123456789"
    assert elsewhere.keys("em") == [f"em/{dataset.name}/scan.tif"]


def test_whoever_reads_a_dataset_that_was_moved_meanwhile_finds_it(
    ada: Any, dataset: Dataset, elsewhere: Store, worker: Any
) -> None:
    ada.send(dataset, "scan.tif", b"0123456789")
    worker()
    before = Dataset.objects.select_related("project").get(pk=dataset.pk)
    before.store = "local"
    assert stored(before, "scan.tif") == b"0123456789"


def test_a_store_that_the_settings_forgot_is_named(dataset: Dataset, settings: Any) -> None:
    settings.STORES = {}
    storage.store_named.cache_clear()
    with pytest.raises(StoreTrouble, match=r"“elsewhere”.*LABCOURIER_STORES"):
        storage.open_verified(dataset, "scan.tif")
