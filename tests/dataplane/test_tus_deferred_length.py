"""The creation-defer-length extension of tus 1.0, line by line."""

from typing import Any

import pytest


def deferred(wire: Any, body: bytes = b"", **headers: object) -> str:
    answer = wire("POST", body=body, Upload_Defer_Length=1, **headers)
    assert answer.status == 201, answer
    return str(answer.headers["Location"].rsplit("/", 1)[1])


@pytest.mark.parametrize("value", ["0", "2", "", "true", "1 ", "01"])
def test_defer_length_other_than_1_is_400(wire: Any, value: str) -> None:
    assert wire("POST", Upload_Defer_Length=value).status == 400
    assert wire.application.creations == []


def test_both_length_headers_are_400(wire: Any) -> None:
    assert wire("POST", Upload_Defer_Length=1, Upload_Length=10).status == 400


def test_head_says_1_while_the_length_is_unknown(wire: Any) -> None:
    upload_id = deferred(wire, b"0123")
    answer = wire("HEAD", upload_id)
    assert (answer.headers["Upload-Defer-Length"], answer.headers["Upload-Offset"]) == ("1", "4")
    assert "Upload-Length" not in answer.headers
    assert "Upload-Expires" in answer.headers


def test_a_later_patch_sets_the_length_once(wire: Any) -> None:
    upload_id = deferred(wire)
    assert wire("PATCH", upload_id, body=b"0123", Upload_Offset=0).status == 204
    assert wire("PATCH", upload_id, body=b"456", Upload_Offset=4, Upload_Length=10).status == 204
    head = wire("HEAD", upload_id).headers
    assert (head["Upload-Length"], head["Upload-Offset"]) == ("10", "7")
    assert "Upload-Defer-Length" not in head
    assert wire("PATCH", upload_id, body=b"7", Upload_Offset=7, Upload_Length=11).status == 422
    assert wire("PATCH", upload_id, body=b"789", Upload_Offset=7, Upload_Length=10).status == 204
    assert "Upload-Expires" not in wire("HEAD", upload_id).headers


@pytest.mark.parametrize("length", [0, 3, 4])
def test_a_length_below_the_offset_or_the_piece_is_refused(wire: Any, length: int) -> None:
    upload_id = deferred(wire, b"0123")
    answer = wire("PATCH", upload_id, body=b"4", Upload_Offset=4, Upload_Length=length)
    assert answer.status == 413
    assert wire.last_body.taken == 0
    assert wire("HEAD", upload_id).headers["Upload-Defer-Length"] == "1"


@pytest.mark.parametrize("length", ["-1", "1e3", "", "٣"])
def test_the_later_length_is_a_whole_number(wire: Any, length: str) -> None:
    upload_id = deferred(wire)
    assert wire("PATCH", upload_id, body=b"4", Upload_Offset=0, Upload_Length=length).status == 400


def test_an_upload_of_unknown_length_keeps_below_the_maximum(wire: Any) -> None:
    assert wire("POST", body=b"x" * 10_001, Upload_Defer_Length=1).status == 413
    upload_id = deferred(wire, b"x" * 9_999)
    assert wire("PATCH", upload_id, body=b"xx", Upload_Offset=9_999).status == 413
    assert wire("PATCH", upload_id, body=b"x", Upload_Offset=9_999, Upload_Length=10_001).status == 413
