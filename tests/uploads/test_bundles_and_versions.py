"""Bundles beside what came another way, and bundles that cannot be unpacked: nothing older wins, nothing is lost."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dataplane.localstore import LocalStore
from portal.models import AuditEvent, DataFile, Dataset, Notice
from tests.bundle_samples import Sample, make_bundle
from tests.uploads.conftest import encoded
from tests.uploads.test_bundles import FILES, Killed, bundle_of, counts, leftovers, place, send_bundle
from uploads.models import Bundle
from uploads.services import bundle_rivals
from uploads.services.sweep import remove_strays
from uploads.services.work import sweep


def send_lines(ada: Any, dataset: Dataset, samples: list[Sample], lines: list[str]) -> Bundle:
    data, manifest_at = make_bundle(samples, lines=lines)
    metadata = {"kind": "bundle", "dataset": dataset.pk, "files": len(samples), "manifest": manifest_at}
    header = ",".join(f"{key} {encoded(value)}" for key, value in metadata.items())
    return bundle_of(ada.tus("POST", body=data, Upload_Length=len(data), Upload_Metadata=header))


def stored(dataset: Dataset, path: str) -> tuple[str, bool]:
    """The state of the current file, and whether the bytes at its place are those the row speaks of."""
    file = DataFile.objects.current().get(dataset=dataset, path=path)
    return file.state, hashlib.sha256(place(dataset, path).read_bytes()).hexdigest() == file.sha256


def test_a_bundle_does_not_replace_what_came_after_it(ada: Any, dataset: Dataset, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, [Sample("a.tif", b"older"), Sample("b.tif", b"b")]))
    ada.send(dataset, "a.tif", b"newer!")
    worker()
    bundle.refresh_from_db()
    assert place(dataset, "a.tif").read_bytes() == b"newer!"
    assert (bundle.state, bundle.verified_count) == ("unpacked", 1)
    assert [(bad["path"], bad["state"]) for bad in bundle.bad] == [("a.tif", "skipped")]
    assert counts(dataset) == (2, 0, 2, 0)
    assert leftovers() == []


def test_a_bundle_does_not_replace_what_was_announced_after_it(ada: Any, dataset: Dataset, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, [Sample("a.tif", b"older")]))
    ada.announce(dataset, {"path": "a.tif", "size": 5, "sha256": "1" * 64})
    worker()
    bundle.refresh_from_db()
    assert [bad["state"] for bad in bundle.bad] == ["skipped"]
    assert counts(dataset) == (1, 0, 0, 0)


def test_a_damaged_new_version_is_told_and_can_be_sent_again(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "a.tif", b"older")
    worker()
    bundle = bundle_of(send_bundle(ada, dataset, [Sample("a.tif", b"newer!", sha256="2" * 64)]))
    worker()
    bundle.refresh_from_db()
    assert [(bad["path"], bad["state"]) for bad in bundle.bad] == [("a.tif", "corrupt")]
    assert counts(dataset) == (1, 0, 0, 1)
    ada.send(dataset, "a.tif", b"newer!")
    worker()
    assert stored(dataset, "a.tif") == ("verified", True)


@pytest.mark.parametrize("step", ["verify_batch", "apply_change"])
def test_a_worker_that_dies_never_leaves_other_bytes_under_a_verified_file(
    ada: Any, dataset: Dataset, worker: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    ada.send(dataset, "a.tif", b"older")
    worker()
    send_bundle(ada, dataset, [*FILES, Sample("a.tif", b"newer!")])

    def dying(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as planted:
        planted.setattr(bundle_rivals, step, dying)
        with pytest.raises(Killed):
            sweep(clock=timezone.now)
    state, is_true = stored(dataset, "a.tif")
    assert is_true or state != "verified"
    for minutes in (3, 6):  # the first finds the new version still unverified
        later = timezone.now() + timedelta(minutes=minutes)
        sweep(clock=lambda later=later: later)  # type: ignore[misc]
    assert stored(dataset, "a.tif") == ("verified", True)
    assert place(dataset, "a.tif").read_bytes() == b"newer!"
    assert counts(dataset) == (4, 0, 4, 0)
    assert Bundle.objects.get().verified_count == 4


def test_a_dataset_whose_bundle_is_refused_is_not_handed_over_without_it(
    ada: Any, dataset: Dataset, worker: Any
) -> None:
    ada.send(dataset, "a.tif", b"0123")
    worker()
    send_lines(ada, dataset, [Sample("b.tif", b"1")], ["nonsense\n"])
    assert ada.close(dataset).status_code == 200
    worker()
    dataset.refresh_from_db()
    assert (dataset.state, dataset.closed_at, Bundle.objects.get().state) == ("open", None, "refused")
    assert AuditEvent.objects.get(kind="bundle_refused").detail["count"] == 1
    assert Notice.objects.filter(kind="file-corrupt").exists()
    ada.send(dataset, "b.tif", b"1")
    worker()
    assert ada.close(dataset).json()["state"] == "released"


def test_members_with_old_times_are_no_strays_while_they_wait(
    ada: Any, dataset: Dataset, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalStore.place

    def swept(self: LocalStore, placements: Any) -> Any:
        assert remove_strays(now=timezone.now()) == []
        return real(self, placements)

    send_bundle(ada, dataset, FILES)
    monkeypatch.setattr(LocalStore, "place", swept)
    worker()
    assert counts(dataset) == (3, 0, 3, 0)


def test_names_that_a_database_cannot_store_are_told_as_escapes(ada: Any, dataset: Dataset, worker: Any) -> None:
    samples = [Sample("a", b"1"), Sample("b", b"1"), Sample("c.tif", b"1")]
    lines = [f"{'3' * 64} 1 - {json.dumps(name)}\n" for name in ("nul\0", "half\ud800")]
    bundle = send_lines(ada, dataset, samples, [*lines, samples[2].line()])
    worker()
    answer = ada.get(f"/bundles/{bundle.pk}").json()
    assert (answer["state"], answer["verified"]) == ("unpacked", 1)
    assert [bad["path"] for bad in answer["bad"]] == ["nul\\x00", "half\\ud800"]


def test_a_thousand_files_in_a_folder_that_is_a_file_are_refused_together(
    ada: Any, dataset: Dataset, worker: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ada.send(dataset, "a", b"1")
    worker()
    bundle = bundle_of(send_bundle(ada, dataset, [Sample(f"a/{number}", b"1") for number in range(1000)]))
    with django_assert_max_num_queries(40):
        worker()
    bundle.refresh_from_db()
    assert (bundle.verified_count, len(bundle.bad)) == (0, 1000)
