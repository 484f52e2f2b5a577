"""Lengths that are said later, checksums of pieces, and that both keep the quota and the announced size."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from portal import storage
from portal.models import DataFile, Dataset, Project
from uploads.models import Upload
from uploads.services.stop import staging_area
from uploads.services.sweep import expire_uploads

DATA = b"0123456789"
NOTHING = {"Content_Type": "application/offset+octet-stream", "Content_Length": 0}


def begin(ada: Any, dataset: Dataset, body: bytes = b"", path: str = "scan.tif") -> str:
    metadata = ",".join(f"{key} {b64encode(str(value).encode()).decode()}" for key, value in
                        {"dataset": dataset.pk, "path": path}.items())  # fmt: skip
    answer = ada.tus("POST", body=body, Upload_Defer_Length=1, Upload_Metadata=metadata)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def sha1(data: bytes) -> str:
    return f"sha1 {b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"


def counts(dataset: Dataset) -> tuple[int, int, int]:
    dataset.refresh_from_db()
    return dataset.file_count, dataset.received_count, dataset.bytes_expected


# --- lengths said later


def test_a_file_of_unknown_length_gets_its_size_with_the_last_piece(
    ada: Any, dataset: Dataset, worker: Callable[[], None]
) -> None:
    address = begin(ada, dataset, DATA[:4])
    head = ada.tus("HEAD", address)
    assert (head["Upload-Offset"], head["Upload-Defer-Length"]) == ("4", "1")
    assert counts(dataset) == (1, 0, 0)
    answer = ada.tus("PATCH", address, DATA[4:], Upload_Offset=4, Upload_Length=10)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "10")
    assert counts(dataset) == (1, 1, 10)
    ada.announce(dataset, {"path": "scan.tif", "size": 10, "sha256": ada.sha256(DATA)})
    worker()
    file = DataFile.objects.get()
    assert (file.size, file.state) == (10, "verified")


def test_a_patch_without_bytes_can_say_that_it_was_all(ada: Any, dataset: Dataset) -> None:
    address = begin(ada, dataset, DATA)
    assert ada.tus("PATCH", address, Upload_Offset=10, Upload_Length=10, **NOTHING).status_code == 204
    file = DataFile.objects.get()
    assert (file.state, storage.store().path(file.received_key).read_bytes()) == ("received", DATA)


def test_a_length_once_said_stays(ada: Any, dataset: Dataset) -> None:
    address = begin(ada, dataset)
    ada.tus("PATCH", address, DATA[:4], Upload_Offset=0, Upload_Length=10)
    answer = ada.tus("PATCH", address, DATA[4:], Upload_Offset=4, Upload_Length=11)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"


def test_a_wrong_offset_does_not_set_the_length(ada: Any, dataset: Dataset) -> None:
    address = begin(ada, dataset, DATA[:4])
    assert ada.tus("PATCH", address, DATA[5:], Upload_Offset=5, Upload_Length=10).status_code == 409
    assert ada.tus("HEAD", address)["Upload-Defer-Length"] == "1"


def test_the_length_said_later_must_be_the_announced_one(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "scan.tif", "size": 10})
    address = begin(ada, dataset, DATA[:4])
    assert counts(dataset) == (1, 0, 10)
    assert ada.tus("PATCH", address, DATA[4:9], Upload_Offset=4, Upload_Length=9).status_code == 422
    assert ada.tus("PATCH", address, DATA[4:], Upload_Offset=4, Upload_Length=10).status_code == 204
    assert counts(dataset) == (1, 1, 10)


def test_a_dataset_cannot_be_closed_while_a_length_is_unknown(ada: Any, dataset: Dataset) -> None:
    begin(ada, dataset, DATA)
    assert ada.close(dataset).json()["code"] == "files_missing"


def test_an_upload_of_unknown_length_expires_with_what_it_brought(ada: Any, dataset: Dataset) -> None:
    begin(ada, dataset, DATA)
    expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + timedelta(seconds=1))
    assert counts(dataset) == (0, 0, 0)
    assert staging_area().stray_ids() == []


def test_bytes_of_unknown_length_count_against_the_quota(ada: Any, dataset: Dataset, project: Project) -> None:
    Project.objects.update(quota_bytes=10)
    address = begin(ada, dataset, DATA[:4])
    assert ada.create(7, dataset=dataset, path="other").status_code == 507
    assert ada.create(6, dataset=dataset, path="other").status_code == 201
    refused = ada.tus("PATCH", address, DATA[4:], Upload_Offset=4)
    assert (refused.status_code, refused.json()["code"]) == (507, "no_room")
    assert ada.tus("PATCH", address, b"4", Upload_Offset=4, Upload_Length=5).status_code == 507
    assert ada.tus("HEAD", address)["Upload-Defer-Length"] == "1"
    assert ada.tus("PATCH", address, Upload_Offset=4, Upload_Length=4, **NOTHING).status_code == 204
    assert counts(dataset) == (2, 1, 10)


def test_an_announced_size_is_not_counted_twice(ada: Any, dataset: Dataset, project: Project) -> None:
    Project.objects.update(quota_bytes=10)
    ada.announce(dataset, {"path": "scan.tif", "size": 10})
    address = begin(ada, dataset, DATA[:4])
    assert ada.tus("PATCH", address, DATA[4:], Upload_Offset=4, Upload_Length=10).status_code == 204


def test_an_upload_of_unknown_length_stays_below_the_maximum(ada: Any, dataset: Dataset, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 5
    address = begin(ada, dataset, DATA[:4])
    assert ada.tus("PATCH", address, DATA[4:6], Upload_Offset=4).status_code == 413
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"


# --- checksums


def test_a_wrong_checksum_is_460_and_a_right_retry_works(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    wrong = ada.tus("PATCH", address, DATA[:4], Upload_Offset=0, Upload_Checksum=sha1(b"other"))
    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum_mismatch")
    assert ada.tus("HEAD", address)["Upload-Offset"] == "0"
    assert staging_area().path(Upload.objects.get().pk).read_bytes() == b""
    assert ada.tus("PATCH", address, DATA, Upload_Offset=0, Upload_Checksum=sha1(DATA)).status_code == 204
    assert DataFile.objects.get().state == "received"


@pytest.mark.parametrize("header", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1 ?", "sha256 AAAA"])
def test_unknown_and_malformed_checksums_are_400(ada: Any, dataset: Dataset, header: str) -> None:
    address = ada.start(10, dataset=dataset)
    assert ada.tus("PATCH", address, DATA, Upload_Offset=0, Upload_Checksum=header).status_code == 400
    assert ada.tus("HEAD", address)["Upload-Offset"] == "0"


@pytest.mark.parametrize("length", [10, 20])
def test_a_creation_whose_bytes_are_damaged_makes_no_upload(ada: Any, dataset: Dataset, length: int) -> None:
    def create(checksum: str) -> HttpResponse:
        metadata = f"dataset {b64encode(str(dataset.pk).encode()).decode()},path YQ=="
        answer: HttpResponse = ada.tus(
            "POST", body=DATA, Upload_Length=length, Upload_Metadata=metadata, Upload_Checksum=checksum
        )
        return answer

    assert create(sha1(b"other")).status_code == 460
    assert not Upload.objects.receiving().exists()
    assert counts(dataset) == (0, 0, 0)
    assert staging_area().stray_ids() == []
    assert create(sha1(DATA)).status_code == 201
