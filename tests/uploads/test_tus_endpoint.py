"""The tus endpoint as Ada's PC meets it: bytes that arrive, stop, go on and stay."""

import json
import os
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal import storage
from portal.models import AuditEvent, DataFile, Dataset, Notice
from uploads.models import Upload
from uploads.services.stop import staging_area
from uploads.services.sweep import forget_ended_uploads


def bytes_of(file: DataFile) -> bytes:
    return storage.store().path(file.received_key).read_bytes()


def only_upload() -> Upload:
    return Upload.objects.get()


def test_a_small_file_comes_whole_with_its_creation(ada: Any, dataset: Dataset) -> None:
    answer = ada.create(5, b"01234", dataset=dataset, path="a/scan.tif")
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "5")
    assert answer["Location"].startswith("http://testserver/tus/")
    file = DataFile.objects.get()
    assert (file.path, file.state, file.size) == ("a/scan.tif", "received", 5)
    assert bytes_of(file) == b"01234"
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.received_count, dataset.bytes_expected) == (1, 1, 5)


def test_a_large_file_comes_in_pieces(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    assert ada.patch(address, 0, b"0123")["Upload-Offset"] == "4"
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"
    assert DataFile.objects.get().state == "expected"
    assert ada.patch(address, 4, b"456789")["Upload-Offset"] == "10"
    assert bytes_of(DataFile.objects.get()) == b"0123456789"
    assert only_upload().state == "finished"
    assert staging_area().stray_ids() == []


def test_creation_with_a_part_goes_on_by_patch(ada: Any, dataset: Dataset) -> None:
    answer = ada.create(10, b"0123", dataset=dataset)
    assert answer["Upload-Offset"] == "4"
    ada.patch(answer["Location"], 4, b"456789")
    assert bytes_of(DataFile.objects.get()) == b"0123456789"


def test_an_empty_file_is_complete_at_once(ada: Any, dataset: Dataset) -> None:
    assert ada.create(0, dataset=dataset).status_code == 201
    file = DataFile.objects.get()
    assert (file.state, bytes_of(file)) == ("received", b"")


def test_a_finished_upload_stays_addressable_and_takes_nothing_more(ada: Any, dataset: Dataset) -> None:
    address = ada.create(5, b"01234", dataset=dataset)["Location"]
    head = ada.tus("HEAD", address)
    assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, "5", "5")
    assert "Upload-Expires" not in head
    assert ada.patch(address, 0, b"XXXXX").status_code == 409
    assert ada.patch(address, 5, b"X").status_code == 413
    assert ada.tus("DELETE", address).status_code == 409
    assert bytes_of(DataFile.objects.get()) == b"01234"


def test_a_finished_upload_stays_addressable_until_the_dataset_closes(ada: Any, dataset: Dataset) -> None:
    address = ada.create(5, b"01234", dataset=dataset)["Location"]
    much_later = timezone.now() + 10 * settings.UPLOAD_EXPIRY
    forget_ended_uploads(now=much_later)
    assert ada.tus("HEAD", address)["Upload-Offset"] == "5"
    Dataset.objects.update(state="closed", closed_at=timezone.now())
    forget_ended_uploads(now=much_later)
    assert ada.tus("HEAD", address).status_code == 404


def test_the_override_header_counts_after_authentication_only(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    for method in ("OPTIONS", "DELETE", "PATCH"):
        headers = {"Tus-Resumable": "1.0.0", "X-HTTP-Method-Override": method}
        assert Client().post(address, headers=headers).status_code == 401
    answer = ada.tus("POST", address, b"0123", Upload_Offset=0, X_HTTP_Method_Override="PATCH")
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "4")


def test_relative_path_null_counts_as_absent(ada: Any, dataset: Dataset) -> None:
    answer = ada.create(5, b"01234", dataset=dataset, path=None, relativePath="null", filename="scan.tif")
    assert answer.status_code == 201
    assert DataFile.objects.get().path == "scan.tif"


def test_a_retried_patch_at_the_same_offset_is_refused(ada: Any, dataset: Dataset) -> None:
    """Mistake 2 of docs/design: a retried PATCH ran beside the first and was accepted."""
    address = ada.start(10, dataset=dataset)
    assert ada.patch(address, 0, b"0123").status_code == 204
    again = ada.patch(address, 0, b"0123")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_offset")
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"


def test_bytes_beyond_the_recorded_offset_are_cut_off(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    ada.patch(address, 0, b"0123")
    with staging_area().path(only_upload().pk).open("ab") as stream:
        stream.write(b"never acknowledged")
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"
    ada.patch(address, 4, b"456789")
    assert bytes_of(DataFile.objects.get()) == b"0123456789"


def test_lost_bytes_are_an_incident_that_is_shown(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    ada.patch(address, 0, b"0123")
    os.truncate(staging_area().path(only_upload().pk), 2)
    answer = ada.tus("HEAD", address)
    assert answer.status_code == 410
    assert "Upload-Offset" not in answer
    assert ada.patch(address, 4, b"456789").json()["code"] == "bytes_lost"
    assert only_upload().state == "lost"
    assert AuditEvent.objects.filter(kind="upload_bytes_lost", bytes=4).count() == 1
    assert [notice.to for notice in Notice.objects.all()] == ["em-staff@facility.example"]
    assert ada.create(10, b"0123456789", dataset=dataset).status_code == 201


def test_a_staging_volume_that_is_not_there_is_passing_trouble(ada: Any, dataset: Dataset) -> None:
    """Mistake 3 of docs/design: a passing read error answered 404, and the client started over."""
    address = ada.start(10, dataset=dataset)
    ada.patch(address, 0, b"0123")
    path = staging_area().path(only_upload().pk)
    hidden = path.rename(path.with_name("elsewhere.hidden"))
    assert ada.tus("HEAD", address).status_code == 503
    assert ada.patch(address, 4, b"4").status_code == 503
    hidden.rename(path)
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), PermissionError(13, "denied")])
def test_a_read_error_is_503_and_keeps_the_upload(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    address = ada.start(10, dataset=dataset)

    def fail(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("dataplane.staging.StagingArea.open", fail)
        answer = ada.patch(address, 0, b"0123")
    assert (answer.status_code, answer.json()["code"]) == (503, "try_later")
    assert ada.patch(address, 0, b"0123").status_code == 204


def test_a_server_that_died_before_it_said_so_is_caught_up(ada: Any, dataset: Dataset) -> None:
    address = ada.start(4, dataset=dataset)
    upload = only_upload()
    staging_area().path(upload.pk).write_bytes(b"0123")
    Upload.objects.update(offset=4)
    assert ada.tus("HEAD", address)["Upload-Offset"] == "4"
    assert bytes_of(DataFile.objects.get()) == b"0123"


def test_a_server_that_died_after_moving_the_bytes_is_caught_up_too(ada: Any, dataset: Dataset) -> None:
    address = ada.start(4, dataset=dataset)
    storage.store().path(storage.received_key(only_upload().pk)).write_bytes(b"0123")
    Upload.objects.update(offset=4)
    assert ada.tus("HEAD", address).status_code == 200
    assert DataFile.objects.get().state == "received"


def test_delete_gives_the_space_back_and_the_upload_is_gone(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    ada.patch(address, 0, b"0123")
    assert ada.tus("DELETE", address).status_code == 204
    assert ada.tus("HEAD", address).status_code == 410
    assert ada.patch(address, 4, b"4").status_code == 410
    assert ada.tus("DELETE", address).status_code == 410
    assert [path for path in staging_area().root.rglob("*") if path.is_file()] == [], "bytes or a lock stayed"
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.bytes_expected) == (0, 0)


def test_deleting_the_upload_of_an_announced_file_leaves_the_file_expected(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "scan.tif", "size": 10})
    ada.tus("DELETE", ada.start(10, dataset=dataset))
    assert DataFile.objects.get().state == "expected"


def test_unfinished_uploads_say_when_they_expire_and_then_are_gone(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    for answer in (ada.tus("HEAD", address), ada.patch(address, 0, b"0123")):
        assert answer["Upload-Expires"].endswith("GMT")
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ada.tus("HEAD", address).status_code == 410
    assert ada.patch(address, 4, b"4").status_code == 410


def test_each_piece_puts_the_expiry_off(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    Upload.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    ada.patch(address, 0, b"0123")
    assert only_upload().expires_at > timezone.now() + settings.UPLOAD_EXPIRY - timedelta(minutes=1)


def test_a_newer_upload_of_the_file_ends_the_older(ada: Any, dataset: Dataset) -> None:
    older = ada.start(10, dataset=dataset)
    ada.patch(older, 0, b"0123")
    newer = ada.start(10, dataset=dataset)
    assert ada.patch(older, 4, b"4").status_code == 410
    assert ada.patch(newer, 0, b"0123456789").status_code == 204
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.bytes_expected) == (1, 10)


def test_metadata_is_told_back_byte_for_byte(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset, path="Säule/é.tif", note="x")
    assert ada.tus("HEAD", address)["Upload-Metadata"].split(",")[1].startswith("path ")


def test_options_needs_no_credentials(db: None) -> None:
    answer = Client().options("/tus/")
    assert answer.status_code == 204
    assert answer["Tus-Extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
        "concatenation",
    ]
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_unknown_addresses_are_404_with_the_protocols_headers(ada: Any) -> None:
    for upload_id in ("0" * 32, "x", "..%2f..%2fetc", "%00", "a" * 2000):
        answer = ada.tus("HEAD", f"/tus/{upload_id}")
        assert (answer.status_code, answer.get("Tus-Resumable")) in ((404, "1.0.0"), (404, None)), upload_id


def test_a_small_file_costs_few_queries(
    ada: Any, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ada.announce(dataset, {"path": "scan.tif", "size": 5})
    with django_assert_max_num_queries(13):  # four of them begin and end transactions
        ada.create(5, b"01234", dataset=dataset)


def test_no_connection_is_held_while_a_long_body_comes(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[bool] = []
    monkeypatch.setattr("uploads.services.receiving.release_connection", lambda: released.append(True))
    size = 5 * 1024 * 1024
    address = ada.start(2 * size, dataset=dataset)
    ada.patch(address, 0, b"x" * size)
    assert released


@pytest.mark.parametrize("value", ["abc", "-5", "1e9"])
def test_a_content_length_that_is_no_number_is_refused(ada: Any, dataset: Dataset, value: str) -> None:
    address = ada.start(10, dataset=dataset)
    answer = ada.client.generic(
        "PATCH",
        address,
        b"x",
        content_type="application/offset+octet-stream",
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0"},
        CONTENT_LENGTH=value,
    )
    assert answer.status_code == 400
    assert json.loads(answer.content)["code"]
