"""A file that comes in parts at the same time and is joined: whose parts, how long they stay, what they cost."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from portal import storage
from portal.models import AuditEvent, DataFile, Dataset, Project
from uploads.models import Upload
from uploads.services.stop import staging_area
from uploads.services.sweep import expire_uploads, forget_ended_uploads, remove_strays
from uploads.services.work import sweep

AFTER = timedelta(seconds=1)


def part(pc: Any, data: bytes, length: int | None = None, **headers: object) -> str:
    answer = pc.tus(
        "POST", body=data, Upload_Concat="partial", Upload_Length=len(data) if length is None else length, **headers
    )
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def join(pc: Any, dataset: Dataset | None, *addresses: str, path: str = "scan.tif") -> Any:
    values = {"path": path} | ({"dataset": dataset.pk} if dataset else {})
    metadata = ",".join(f"{key} {b64encode(str(value).encode()).decode()}" for key, value in values.items())
    answer: HttpResponse = pc.tus("POST", Upload_Concat=f"final;{' '.join(addresses)}", Upload_Metadata=metadata)
    return answer


def id_of(address: str) -> str:
    return address.rpartition("/")[2]


def test_parts_become_one_file_in_order_and_are_verified(
    ada: Any, dataset: Dataset, worker: Callable[[], None]
) -> None:
    first, second = part(ada, b"01234"), part(ada, b"", 5)
    ada.patch(second, 0, b"567")
    ada.patch(second, 3, b"89")
    assert ada.tus("HEAD", second)["Upload-Concat"] == "partial"
    answer = join(ada, dataset, first, second)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "10")
    head = ada.tus("HEAD", answer["Location"])
    assert (head["Upload-Length"], head["Upload-Offset"]) == ("10", "10")
    assert head["Upload-Concat"] == f"final;{first} {second}"
    ada.announce(dataset, {"path": "scan.tif", "size": 10, "sha256": ada.sha256(b"0123456789")})
    worker()
    assert DataFile.objects.get().state == "verified"


def test_parts_need_no_dataset_and_make_none(ada: Any) -> None:
    first = part(ada, b"01234")
    assert Dataset.objects.count() == 0
    assert join(ada, None, first).status_code == 201
    assert DataFile.objects.get().dataset.client_key.startswith("day:")


def test_a_part_may_be_used_twice(ada: Any, dataset: Dataset) -> None:
    first = part(ada, b"012")
    assert join(ada, dataset, first, first, path="twice").status_code == 201
    assert join(ada, dataset, first, path="once").status_code == 201
    assert {file.path: file.size for file in DataFile.objects.all()} == {"twice": 6, "once": 3}


def test_another_persons_parts_are_refused(ada: Any, dataset: Dataset, make_pc: Any) -> None:
    foreign = part(make_pc("Another PC"), b"012")
    answer = join(ada, dataset, foreign)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert ada.tus("HEAD", foreign).status_code == 404
    assert DataFile.objects.count() == 0


def test_unfinished_expired_and_whole_uploads_are_no_parts(ada: Any, dataset: Dataset) -> None:
    assert join(ada, dataset, part(ada, b"012", 5)).status_code == 422
    assert join(ada, dataset, ada.create(3, b"012", dataset=dataset, path="whole")["Location"]).status_code == 422
    gone = part(ada, b"012")
    Upload.objects.filter(pk=id_of(gone)).update(expires_at=timezone.now())
    assert join(ada, dataset, gone).status_code == 422
    assert join(ada, dataset, "/tus/" + "0" * 32).status_code == 422


def test_a_final_has_no_length_and_takes_no_bytes(ada: Any, dataset: Dataset) -> None:
    first = part(ada, b"012")
    answer = ada.tus("POST", Upload_Concat=f"final;{first}", Upload_Length=3)
    assert answer.status_code == 400
    final = join(ada, dataset, first)["Location"]
    assert ada.patch(final, 3, b"3").status_code == 403


def test_a_final_of_an_announced_file_must_have_its_size(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "scan.tif", "size": 4})
    assert join(ada, dataset, part(ada, b"012")).status_code == 422
    assert join(ada, dataset, part(ada, b"0123")).status_code == 201


def test_a_finished_part_can_be_given_up(ada: Any) -> None:
    address = part(ada, b"012")
    assert ada.tus("DELETE", address).status_code == 204
    assert ada.tus("HEAD", address).status_code == 410
    assert staging_area().stray_ids() == []


def test_a_part_that_is_whole_takes_nothing_more(ada: Any) -> None:
    address = part(ada, b"012")
    assert ada.patch(address, 3, b"3").status_code == 413
    assert ada.patch(address, 0, b"012").status_code == 409
    assert ada.tus("HEAD", address)["Upload-Offset"] == "3"


# --- how long they stay


def test_parts_stay_until_they_expire_and_are_swept(ada: Any) -> None:
    kept, unfinished = part(ada, b"012"), part(ada, b"012", 5)
    for name in staging_area().stray_ids():
        path = staging_area().path(name)
        path.touch()
    assert remove_strays(now=timezone.now() + timedelta(days=3)) == []
    forget_ended_uploads(now=timezone.now() + 3 * settings.UPLOAD_EXPIRY)
    assert Upload.objects.count() == 2
    assert len(expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + AFTER)) == 2
    assert staging_area().stray_ids() == []
    assert ada.tus("HEAD", kept).status_code == ada.tus("HEAD", unfinished).status_code == 410
    assert {event.project for event in AuditEvent.objects.filter(kind="upload_expired")} == {"em"}


def test_joined_parts_give_their_space_back_after_an_hour(ada: Any, dataset: Dataset) -> None:
    join(ada, dataset, part(ada, b"012"))
    assert expire_uploads(now=timezone.now() + timedelta(minutes=59)) == []
    assert len(expire_uploads(now=timezone.now() + timedelta(minutes=61))) == 1
    assert DataFile.objects.get().state == "received"


def test_a_join_whose_server_died_is_gone_on_with(ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = part(ada, b"01234"), part(ada, b"56789")
    with monkeypatch.context() as death:
        death.setattr("uploads.services.joining.join_parts", dies)
        with pytest.raises(SystemExit):
            join(ada, dataset, first, second)
    final = Upload.objects.get(role="final")
    address = f"/tus/{final.pk}"
    head = ada.tus("HEAD", address)
    assert (head.status_code, "Upload-Offset" in head, head["Upload-Length"]) == (200, False, "10")
    assert ada.close(dataset).json()["code"] == "files_missing"
    staging_area().path(final.pk).write_bytes(b"012 and never recorded")
    Upload.objects.filter(pk=final.pk).update(offset=3)
    sweep(clock=timezone.now)
    assert ada.tus("HEAD", address)["Upload-Offset"] == "10"
    assert storage.store().path(f".received/{final.pk}").read_bytes() == b"0123456789"


def test_a_join_that_died_after_its_last_byte_is_handed_over(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = part(ada, b"01234")
    with monkeypatch.context() as death:
        death.setattr("uploads.services.joining.finish_if_whole", dies)
        with pytest.raises(SystemExit):
            join(ada, dataset, first)
    sweep(clock=timezone.now)
    assert DataFile.objects.get().state == "received"


def dies(*_: object, **__: object) -> None:
    raise SystemExit


def test_bytes_lost_of_a_part_are_an_incident(ada: Any, dataset: Dataset) -> None:
    first = part(ada, b"01234")
    staging_area().path(id_of(first)).write_bytes(b"01")
    answer = join(ada, dataset, first)
    assert (answer.status_code, answer.json()["code"]) == (410, "bytes_lost")
    assert AuditEvent.objects.filter(kind="upload_bytes_lost").count() == 1


# --- what they cost


def test_parts_count_against_the_quota_until_the_file_does(ada: Any, dataset: Dataset, project: Project) -> None:
    Project.objects.update(quota_bytes=10)
    first, second = part(ada, b"01234"), part(ada, b"56789")
    refused = ada.tus("POST", Upload_Concat="partial", Upload_Length=1)
    assert (refused.status_code, refused.json()["code"]) == (507, "no_room")
    assert ada.create(1, dataset=dataset, path="other").status_code == 507
    assert join(ada, dataset, first, second).status_code == 201
    dataset.refresh_from_db()
    assert dataset.bytes_expected == 10
    assert join(ada, dataset, first, path="again").status_code == 507


def test_a_refused_join_leaves_the_parts_as_they_were(ada: Any, dataset: Dataset) -> None:
    first = part(ada, b"01234")
    before = Upload.objects.get().expires_at
    assert join(ada, dataset, first, path="../out").status_code == 422
    Project.objects.update(quota_bytes=9)
    assert join(ada, dataset, first, first).status_code == 507
    kept = Upload.objects.get()
    assert (kept.state, kept.reserved, kept.expires_at) == ("kept", 5, before)


def test_a_part_of_unknown_length_counts_what_has_come(ada: Any, project: Project) -> None:
    Project.objects.update(quota_bytes=5)
    address = ada.tus("POST", body=b"012", Upload_Concat="partial", Upload_Defer_Length=1)["Location"]
    assert ada.patch(address, 3, b"345").status_code == 507
    assert ada.tus("PATCH", address, b"34", Upload_Offset=3, Upload_Length=5).status_code == 204
    kept = Upload.objects.get()
    assert (kept.state, kept.length, kept.reserved) == ("kept", 5, 5)


def test_a_person_says_which_dataset_parts_are_for(dataset: Dataset, bob: Any, sign_in: Any) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Concat": "partial", "Upload-Length": "5"}
    client = sign_in(bob)
    assert client.generic("POST", "/tus/", headers=headers).status_code == 422
    metadata = f"dataset {b64encode(str(dataset.pk).encode()).decode()}"
    answer = client.generic("POST", "/tus/", headers=headers | {"Upload-Metadata": metadata})
    assert answer.status_code == 201
