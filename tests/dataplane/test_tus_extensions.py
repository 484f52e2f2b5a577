"""Creation, creation with upload, expiration and termination of tus 1.0, line by line."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dataplane.tus_headers import HeaderRefused, parse_metadata
from dataplane.tus_messages import TusResponse

BAD_NUMBERS = ["-1", "1e3", "+5", "٣", "", " 5", "0x5", "9" * 19]

Code = Callable[[TusResponse], str]


# --- creation


def test_a_length_makes_an_upload_at_an_absolute_location(wire: Any) -> None:
    answer = wire("POST", Upload_Length=10)
    assert answer.status == 201
    assert answer.headers["Location"].startswith("https://portal.example/tus/")


def test_without_a_length_it_is_400(wire: Any) -> None:
    assert wire("POST").status == 400
    assert wire("POST", Upload_Length="").status == 400
    assert wire.application.creations == []


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_lengths_are_whole_numbers(wire: Any, number: str) -> None:
    assert wire("POST", Upload_Length=number).status == 400


def test_length_0_is_complete_at_once(wire: Any) -> None:
    answer = wire("POST", Upload_Length=0)
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "0")
    assert "Upload-Expires" not in answer.headers


def test_over_the_maximum_is_413(wire: Any) -> None:
    assert wire("POST", Upload_Length=10_000).status == 201
    assert wire("POST", Upload_Length=10_001).status == 413
    assert wire("POST", Upload_Length=10**17).status == 413


def test_head_echoes_the_metadata_byte_for_byte(wire: Any) -> None:
    header = "path  YS9i,is_confidential,empty , filename w6Q="
    assert wire("HEAD", wire.create(Upload_Metadata=header)).headers["Upload-Metadata"] == header


def test_an_empty_metadata_header_is_accepted(wire: Any) -> None:
    upload_id = wire.create(Upload_Metadata="")
    assert wire.application.creations[-1].metadata == {}
    assert "Upload-Metadata" not in wire("HEAD", upload_id).headers


def test_metadata_values_are_decoded_and_may_be_missing() -> None:
    assert parse_metadata("filename w6QucG5n,flag, path YS9i") == {
        "filename": "ä.png".encode(),
        "flag": b"",
        "path": b"a/b",
    }


@pytest.mark.parametrize(
    "header",
    ["a YQ==,a Yg==", "ключ YQ==", "a YQ=", "a not-base64!", "a YQ== YQ==", "a \x00", "a ü", "\x01 YQ=="],
)
def test_metadata_that_makes_no_sense_is_400(wire: Any, header: str) -> None:
    with pytest.raises(HeaderRefused):
        parse_metadata(header)
    assert wire("POST", Upload_Length=1, Upload_Metadata=header).status == 400


# --- creation with upload


def test_the_offset_says_how_many_bytes_came_along(wire: Any) -> None:
    answer = wire("POST", body=b"0123", Upload_Length=10)
    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "4")
    whole = wire("POST", body=b"0123456789", Upload_Length=10)
    assert (whole.status, whole.headers["Upload-Offset"]) == (201, "10")


def test_a_body_of_another_type_is_refused_before_it_is_read(wire: Any) -> None:
    assert wire("POST", body=b"0123", Upload_Length=10, Content_Type="text/plain").status == 415
    assert wire.last_body.taken == 0
    assert wire.application.creations == []


def test_refusals_come_before_the_body(wire: Any) -> None:
    for headers in (
        {"Upload_Length": 20_000},
        {"Upload_Length": "x"},
        {"Upload_Length": 3},
        {"Tus_Resumable": "9"},
    ):
        assert wire("POST", body=b"0123", **{"Upload_Length": 10, **headers}).status >= 400
        assert wire.last_body.taken == 0


# --- expiration


def test_an_unfinished_upload_says_when_it_expires(wire: Any) -> None:
    upload_id = wire.create(10)
    for answer in (
        wire("POST", Upload_Length=10),
        wire("HEAD", upload_id),
        wire("PATCH", upload_id, body=b"0123", Upload_Offset=0),
    ):
        assert answer.headers["Upload-Expires"] == "Sat, 28 Nov 2026 12:00:00 GMT"


def test_a_finished_upload_does_not_expire(wire: Any) -> None:
    upload_id = wire.create(10, b"0123456789")
    assert "Upload-Expires" not in wire("HEAD", upload_id).headers


def test_an_application_without_expiry_sends_none(wire: Any) -> None:
    upload_id = wire.create(10)
    wire.application.uploads[upload_id] = replace(wire.application.uploads[upload_id], expires_at=None)
    assert "Upload-Expires" not in wire("HEAD", upload_id).headers


# --- termination


def test_delete_gives_the_space_back_and_the_upload_is_gone(wire: Any) -> None:
    upload_id = wire.create(10, b"0123")
    assert wire("DELETE", upload_id).status == 204
    assert wire("HEAD", upload_id).status == 404
    assert wire("PATCH", upload_id, body=b"x", Upload_Offset=4).status == 404
    assert wire("DELETE", upload_id).status == 404
    assert wire.application.area.stray_ids() == []


# --- hostile input


@pytest.mark.parametrize(
    "metadata",
    [b64encode(value).decode() for value in (b"../../etc/passwd", b"\xff\xfe", b"\0" * 100, b"x" * 6000)],
)
def test_hostile_values_are_only_bytes_to_the_protocol(wire: Any, metadata: str) -> None:
    upload_id = wire.create(1, Upload_Metadata=f"path {metadata}")
    assert wire("HEAD", upload_id).headers["Upload-Metadata"] == f"path {metadata}"
