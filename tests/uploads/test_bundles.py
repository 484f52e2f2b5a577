"""Small files in one upload: each becomes a plain, verified file, and a bad one spoils only itself."""

import os
import tarfile
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dataplane.localstore import LocalStore
from portal import storage
from portal.models import AuditEvent, DataFile, Dataset, Notice, Project
from tests.bundle_samples import SKIPPED, Sample, make_bundle
from tests.uploads.conftest import encoded
from uploads.models import Bundle, Upload
from uploads.services import unpacking
from uploads.services.sweep import forget_ended_uploads, remove_strays
from uploads.services.work import sweep

FILES = [Sample("run 1/a.tif", b"0123"), Sample("run 1/b.tif", b""), Sample("ä.mrc", os.urandom(70_000))]


def send_bundle(
    ada: Any, dataset: Dataset, samples: list[Sample], said: dict[str, object] | None = None
) -> HttpResponse:
    data, manifest_at = make_bundle(samples)
    metadata = {"kind": "bundle", "dataset": dataset.pk, "files": len(samples), "manifest": manifest_at} | (said or {})
    header = ",".join(f"{key} {encoded(value)}" for key, value in metadata.items() if value is not None)
    answer = ada.tus("POST", body=data, Upload_Length=len(data), Upload_Metadata=header)
    assert isinstance(answer, HttpResponse)
    return answer


def bundle_of(answer: HttpResponse) -> Bundle:
    assert answer.status_code == 201, answer.content
    return Bundle.objects.get(pk=answer["Location"].rpartition("/")[2])


def place(dataset: Dataset, path: str) -> Any:
    return storage.store().path(f"em/{dataset.name}/{path}")


def counts(dataset: Dataset) -> tuple[int, int, int, int]:
    dataset.refresh_from_db()
    return dataset.file_count, dataset.received_count, dataset.verified_count, dataset.corrupt_count


def leftovers() -> list[str]:
    return storage.store().received_keys()


def test_small_files_arrive_as_plain_verified_files(ada: Any, dataset: Dataset, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, FILES))
    assert ada.get(f"/datasets/{dataset.pk}").json()["bundles"]["files"] == 3
    assert DataFile.objects.count() == 0
    worker()
    assert counts(dataset) == (3, 0, 3, 0)
    for sample in FILES:
        assert place(dataset, sample.path).read_bytes() == sample.data
        assert place(dataset, sample.path).stat().st_mtime_ns == sample.mtime_ns
    answer = ada.get(f"/bundles/{bundle.pk}").json()
    assert (answer["state"], answer["files"], answer["verified"], answer["bad"]) == ("unpacked", 3, 3, [])
    assert dataset.bytes_verified == answer["bytes"] == 70_004
    assert leftovers() == []


def test_a_dataset_of_bundles_is_released_when_the_last_is_unpacked(ada: Any, dataset: Dataset, worker: Any) -> None:
    send_bundle(ada, dataset, FILES)
    assert ada.close(dataset).json()["state"] == "closed"
    worker()
    dataset.refresh_from_db()
    assert dataset.state == "released"


def test_an_unfinished_bundle_is_missing_at_the_closing(ada: Any, dataset: Dataset) -> None:
    data, manifest_at = make_bundle(FILES)
    said = {"kind": "bundle", "dataset": dataset.pk, "files": 3, "manifest": manifest_at}
    header = ",".join(f"{key} {encoded(value)}" for key, value in said.items())
    address = ada.tus("POST", Upload_Length=len(data), Upload_Metadata=header)["Location"]
    refused = ada.close(dataset)
    assert refused.status_code == 409
    assert refused.json()["detail"]["bundles"] == [address.rpartition("/")[2]]
    assert ada.patch(address, 0, data[:1000]).status_code == 204
    assert ada.patch(address, 1000, data[1000:]).status_code == 204
    assert ada.close(dataset).status_code == 200


@pytest.mark.parametrize(
    ("bad", "state"),
    [
        (Sample("../escape.tif", b"1"), "invalid"),
        (Sample("/absolute.tif", b"1"), "invalid"),
        (Sample("con.txt", b"1"), "invalid"),
        (Sample("RUN 1/A.tif", b"1"), "invalid"),
        (Sample("run 1", b"1"), "invalid"),
        (Sample("bomb.tif", b"1" * 600, stated_size=1), "invalid"),
        (Sample("left out.tif", b"1", sha256=SKIPPED), "skipped"),
        (Sample("flipped.tif", b"1", sha256="0" * 64), "corrupt"),
    ],
)
def test_a_bad_member_spoils_only_itself(ada: Any, dataset: Dataset, worker: Any, bad: Sample, state: str) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, [*FILES, bad]))
    worker()
    answer = ada.get(f"/bundles/{bundle.pk}").json()
    assert [(each["path"], each["state"]) for each in answer["bad"]] == [(bad.path, state)]
    assert answer["bad"][0]["reason"]
    assert answer["verified"] == 3
    assert counts(dataset) == ((3, 0, 3, 0) if state != "corrupt" else (4, 0, 3, 1))
    assert leftovers() == []
    assert not (storage.store().root.parent / "escape.tif").exists()


def test_a_name_that_is_file_and_folder_is_one_of_them(ada: Any, dataset: Dataset, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, [*FILES, Sample("ä.mrc/inside.tif", b"1")]))
    worker()
    bundle.refresh_from_db()
    assert [(bad["path"], bad["state"]) for bad in bundle.bad] == [("ä.mrc", "invalid")]
    assert counts(dataset) == (3, 0, 3, 0)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_never_made(ada: Any, dataset: Dataset, worker: Any, kind: bytes) -> None:
    header = tarfile.TarInfo("link")
    header.type, header.linkname = kind, "/etc/passwd"
    bundle = bundle_of(send_bundle(ada, dataset, [Sample("link", b"", header=header), *FILES]))
    worker()
    bundle.refresh_from_db()
    assert [bad["path"] for bad in bundle.bad] == ["link"]
    assert not place(dataset, "link").is_symlink()
    assert not place(dataset, "link").exists()
    assert bundle.verified_count == 3


def test_a_damaged_member_is_told_and_can_be_sent_again(ada: Any, dataset: Dataset, worker: Any) -> None:
    send_bundle(ada, dataset, [*FILES, Sample("bad.tif", b"1234", sha256="0" * 64)])
    assert ada.close(dataset).status_code == 200
    worker()
    assert Notice.objects.filter(kind="file-corrupt").exists()
    ada.send(dataset, "bad.tif", b"1234")
    worker()
    dataset.refresh_from_db()
    assert (dataset.state, dataset.verified_count) == ("released", 4)


def test_a_tar_that_is_none_is_refused_with_a_reason(ada: Any, dataset: Dataset, worker: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, FILES, {"manifest": 512}))
    worker()
    answer = ada.get(f"/bundles/{bundle.pk}").json()
    assert answer["state"] == "refused"
    assert "Send the files again" in answer["reason"]
    assert counts(dataset) == (0, 0, 0, 0)
    assert leftovers() == []


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"dataset": None}, 422),
        ({"files": 0}, 422),
        ({"files": 10_001}, 422),
        ({"files": "many"}, 422),
        ({"manifest": 513}, 422),
        ({"manifest": 10**9}, 413),
        ({"manifest": None}, 422),
        ({"dataset": "00000000-0000-0000-0000-000000000000"}, 404),
    ],
)
def test_a_bundle_that_makes_no_sense_is_refused_at_its_creation(
    ada: Any, dataset: Dataset, said: dict[str, object], status: int
) -> None:
    answer = send_bundle(ada, dataset, FILES, said)
    assert answer.status_code == status, answer.content
    assert not Upload.objects.exists()


def test_a_closed_dataset_takes_no_bundle(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "a.tif", b"1")
    ada.close(dataset)
    assert send_bundle(ada, dataset, FILES).status_code == 409


def test_the_quota_counts_a_bundle_from_its_creation(ada: Any, dataset: Dataset, project: Project, worker: Any) -> None:
    data, _ = make_bundle(FILES)
    Project.objects.filter(pk=project.pk).update(quota_bytes=len(data) + 70_000)
    assert send_bundle(ada, dataset, FILES).status_code == 201
    assert send_bundle(ada, dataset, FILES).status_code == 507
    worker()
    assert send_bundle(ada, dataset, FILES).status_code == 507  # the files count now


def test_what_is_there_already_is_not_stored_again(ada: Any, dataset: Dataset, worker: Any) -> None:
    send_bundle(ada, dataset, FILES)
    worker()
    rows = list(DataFile.objects.values_list("pk", "verified_at"))
    again = bundle_of(send_bundle(ada, dataset, FILES))
    worker()
    again.refresh_from_db()
    assert (again.state, again.verified_count) == ("unpacked", 3)
    assert list(DataFile.objects.values_list("pk", "verified_at")) == rows
    assert leftovers() == []


def test_another_content_is_a_new_version(ada: Any, dataset: Dataset, worker: Any) -> None:
    send_bundle(ada, dataset, FILES)
    worker()
    send_bundle(ada, dataset, [Sample("run 1/a.tif", b"another")])
    worker()
    assert counts(dataset) == (3, 0, 3, 0)
    assert place(dataset, "run 1/a.tif").read_bytes() == b"another"
    assert DataFile.objects.filter(path="run 1/a.tif", state="superseded").count() == 1


def test_announced_files_are_fulfilled_by_a_bundle(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.announce(dataset, {"path": "run 1/a.tif", "size": 4}, {"path": "ä.mrc", "size": 70_000})
    send_bundle(ada, dataset, FILES)
    worker()
    assert counts(dataset) == (3, 0, 3, 0)


def test_a_tar_by_hand_stays_a_tar(ada: Any, dataset: Dataset, worker: Any) -> None:
    data, _ = make_bundle(FILES)
    ada.send(dataset, "acquisition.tar", data)
    worker()
    assert place(dataset, "acquisition.tar").read_bytes() == data
    assert counts(dataset) == (1, 0, 1, 0)


class Killed(BaseException):
    """As a kill: nothing catches it."""


def die_before(step: str, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """The worker dies when it comes to ``step`` of unpacking for the time ``after`` + 1."""
    real: Callable[..., Any] = getattr(unpacking, step)
    left = [after]

    def dying(*arguments: Any, **named: Any) -> Any:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(*arguments, **named)

    monkeypatch.setattr(unpacking, step, dying)


@pytest.mark.parametrize(
    ("step", "after"),
    [*product(["_settle", "require_claim", "_rows", "_say", "apply_change"], [0, 1]), ("_finish", 0)],
)
def test_a_worker_that_dies_leaves_what_the_next_one_finishes(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, step: str, after: int
) -> None:
    monkeypatch.setattr(unpacking, "BATCH_FILES", 2)
    send_bundle(ada, dataset, [*FILES, Sample("bad.tif", b"1", sha256="0" * 64), Sample("e.tif", b"5")])
    with monkeypatch.context() as planted:
        die_before(step, planted, after=after)
        with pytest.raises(Killed):
            sweep(clock=timezone.now)
    later = timezone.now() + timedelta(minutes=3)
    sweep(clock=lambda: later)
    assert counts(dataset) == (5, 0, 4, 1)
    bundle = Bundle.objects.get()
    assert (bundle.state, bundle.verified_count, len(bundle.bad)) == ("unpacked", 4, 1)
    for sample in FILES:
        assert place(dataset, sample.path).read_bytes() == sample.data
    remove_strays(now=timezone.now() + timedelta(days=2))
    assert leftovers() == []
    assert DataFile.objects.count() == 5


def test_a_full_disk_puts_unpacking_off(
    ada: Any, dataset: Dataset, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataplane.errors import NoRoom

    def full(*_: object) -> None:
        raise NoRoom("The storage folder is full.")

    send_bundle(ada, dataset, FILES)
    with monkeypatch.context() as planted:
        planted.setattr(LocalStore, "unpack", full)
        worker()
    bundle = Bundle.objects.get()
    assert (bundle.state, bundle.done_count) == ("received", 0)
    assert "full" in bundle.reason
    later = timezone.now() + timedelta(minutes=2)
    sweep(clock=lambda: later)
    assert counts(dataset) == (3, 0, 3, 0)


def test_what_waits_is_no_stray_and_not_forgotten(ada: Any, dataset: Dataset) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, FILES))
    os.utime(storage.store().path(bundle.received_key), (0, 0))
    assert remove_strays(now=timezone.now()) == []
    Dataset.objects.filter(pk=dataset.pk).update(state="closed", closed_at=timezone.now())
    forget_ended_uploads(now=timezone.now() + timedelta(days=400))
    later = timezone.now() + timedelta(days=400)
    sweep(clock=lambda: later)
    assert counts(dataset)[2] == 3


def test_unpacking_costs_the_same_number_of_queries_for_many_files(
    ada: Any, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    send_bundle(ada, dataset, [Sample(f"tile_{n}.tif", b"%d" % n) for n in range(400)])
    bundle = unpacking.claim_bundle(now=timezone.now())
    assert bundle is not None
    with django_assert_max_num_queries(24):
        unpacking.unpack_bundle(bundle, clock=timezone.now)
    assert counts(dataset)[2] == 400


def test_another_sender_does_not_see_the_bundle(ada: Any, dataset: Dataset, make_pc: Any) -> None:
    bundle = bundle_of(send_bundle(ada, dataset, FILES))
    other = make_pc(label="Other project", project=Project.objects.create(code="x", name="X"), instrument=None)
    assert other.get(f"/bundles/{bundle.pk}").status_code == 404


def test_files_that_vanished_are_taken_back(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.announce(dataset, {"path": "gone.tif", "size": 4}, {"path": "here.tif", "size": 1})
    ada.send(dataset, "here.tif", b"1")
    worker()
    assert ada.close(dataset).status_code == 409
    answer = ada.post(f"/datasets/{dataset.pk}/files/withdraw", {"paths": ["gone.tif", "here.tif", "never.tif"]})
    assert [(file["path"], file["state"]) for file in answer.json()["files"]] == [("here.tif", "verified")]
    assert counts(dataset) == (1, 0, 1, 0)
    assert AuditEvent.objects.get(kind="files_withdrawn").detail["count"] == 1
    assert ada.close(dataset).json()["state"] == "released"
    late = ada.post(f"/datasets/{dataset.pk}/files/withdraw", {"paths": ["here.tif"]})
    assert late.status_code == 409


def test_the_page_tells_of_bundles_and_of_what_cannot_be_stored(
    ada: Any, dataset: Dataset, worker: Any, client: Any, alice: Any
) -> None:
    client.force_login(alice)
    send_bundle(ada, dataset, [*FILES, Sample("con.txt", b"1")])
    before = client.get(f"/datasets/{dataset.pk}/panels/arrival").content.decode()
    assert "4\u00a0small files travel in 1\u00a0bundle" in before
    worker()
    after = client.get(f"/datasets/{dataset.pk}/panels/arrival").content.decode()
    assert "small files travel" not in after
    assert "con.txt" in after
    assert "reserved by Windows" in after
