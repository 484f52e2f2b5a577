"""The core of tus 1.0, line by line. https://tus.io/protocols/resumable-upload"""

from collections.abc import Callable
from typing import Any

import pytest

from dataplane import errors
from dataplane.tus import EXTENSIONS
from dataplane.tus_messages import TusResponse

BAD_NUMBERS = ["-1", "1e3", "+5", "٣", "", " 5", "5 ", "0x5", "1.0", "1_0", "9" * 19, "5,5", "²"]

Code = Callable[[TusResponse], str]


def test_every_answer_names_the_version_errors_too(wire: Any) -> None:
    upload_id = wire.create()
    for answer in (
        wire("POST", Upload_Length=10),
        wire("POST"),
        wire("HEAD", upload_id),
        wire("HEAD", "no-such-upload"),
        wire("PATCH", upload_id, body=b"x", Upload_Offset=0),
        wire("PATCH", upload_id, body=b"x", Upload_Offset=9),
        wire("PUT", upload_id),
        wire("DELETE", upload_id),
        wire("HEAD", upload_id, Tus_Resumable="0.2.2"),
    ):
        assert answer.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0", "2.0.0", "1.0.0, 0.2.2"])
def test_another_version_is_412_and_nothing_is_processed(wire: Any, version: str | None) -> None:
    upload_id = wire.create()
    for method, target in (("POST", None), ("HEAD", upload_id), ("PATCH", upload_id), ("DELETE", upload_id)):
        answer = wire(method, target, Upload_Length=10, Upload_Offset=0, body=b"x", Tus_Resumable=version)
        assert answer.status == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert wire.last_body.taken == 0
    assert list(wire.application.uploads) == [upload_id]
    assert wire.offset(upload_id) == 0


def test_options_lists_exactly_what_is_supported(wire: Any) -> None:
    answer = wire("OPTIONS", Tus_Resumable=None)
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "10000"
    assert answer.headers["Tus-Extension"].split(",") == list(EXTENSIONS)
    assert set(EXTENSIONS) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
        "concatenation",
    }


def test_the_override_header_is_the_method_on_post(wire: Any) -> None:
    upload_id = wire.create()
    answer = wire("POST", upload_id, body=b"01234", Upload_Offset=0, X_HTTP_Method_Override="PATCH")
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "5")
    assert wire("POST", upload_id, X_HTTP_Method_Override="DELETE").status == 204


def test_the_override_header_is_ignored_elsewhere(wire: Any) -> None:
    upload_id = wire.create()
    assert wire("HEAD", upload_id, X_HTTP_Method_Override="DELETE").status == 200
    assert wire.offset(upload_id) == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "TRACE", "FOO"])
def test_other_methods_are_405_with_the_allowed_ones(wire: Any, method: str) -> None:
    answer = wire(method, wire.create())
    assert (answer.status, answer.headers["Allow"]) == (405, "HEAD, PATCH, DELETE")


@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_offsets_are_whole_numbers(wire: Any, number: str) -> None:
    upload_id = wire.create()
    assert wire("PATCH", upload_id, body=b"x", Upload_Offset=number).status == 400
    assert wire.last_body.taken == 0


def test_an_offset_must_be_there(wire: Any) -> None:
    assert wire("PATCH", wire.create(), body=b"x").status == 400


def test_head_has_offset_length_and_no_store_from_zero_to_complete(wire: Any) -> None:
    upload_id = wire.create(10)
    for sent, offset in ((b"", "0"), (b"01234", "5"), (b"56789", "10")):
        if sent:
            wire("PATCH", upload_id, body=sent, Upload_Offset=wire.offset(upload_id))
        answer = wire("HEAD", upload_id)
        assert answer.status == 200
        assert answer.headers["Upload-Offset"] == offset
        assert answer.headers["Upload-Length"] == "10"
        assert answer.headers["Cache-Control"] == "no-store"


def test_head_of_a_missing_upload_has_no_offset(wire: Any) -> None:
    answer = wire("HEAD", "no-such-upload")
    assert answer.status == 404
    assert "Upload-Offset" not in answer.headers


@pytest.mark.parametrize("offset", [0, 4, 6, 10])
def test_patch_at_another_offset_is_409_and_touches_nothing(wire: Any, offset: int, code_of: Code) -> None:
    upload_id = wire.create(10, b"01234")
    answer = wire("PATCH", upload_id, body=b"XXXX", Upload_Offset=offset)
    assert (answer.status, code_of(answer)) == (409, "wrong_offset")
    assert wire.last_body.taken == 0
    assert wire.application.area.path(upload_id).read_bytes() == b"01234"


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain", "application/offset+octet-stream; x"])
def test_patch_with_another_content_type_is_415(wire: Any, kind: str | None) -> None:
    upload_id = wire.create()
    assert wire("PATCH", upload_id, body=b"x", Upload_Offset=0, Content_Type=kind).status == 415
    assert wire.last_body.taken == 0


def test_patch_answers_204_with_the_new_offset(wire: Any) -> None:
    upload_id = wire.create(10)
    answer = wire("PATCH", upload_id, body=b"0123", Upload_Offset=0)
    assert (answer.status, answer.headers["Upload-Offset"], answer.body) == (204, "4", b"")


def test_patch_of_nothing_is_fine(wire: Any) -> None:
    upload_id = wire.create(10)
    answer = wire("PATCH", upload_id, Upload_Offset=0, Content_Length=0, Content_Type="application/offset+octet-stream")
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "0")


def test_patch_without_content_length_is_411(wire: Any) -> None:
    upload_id = wire.create()
    answer = wire("PATCH", upload_id, body=b"x", Upload_Offset=0, Content_Length=None, Transfer_Encoding="chunked")
    assert answer.status == 411


def test_an_interrupted_body_is_kept_as_far_as_it_came(wire: Any, code_of: Code) -> None:
    upload_id = wire.create(10)
    answer = wire("PATCH", upload_id, body=b"0123", Upload_Offset=0, Content_Length=10)
    assert (answer.status, code_of(answer)) == (503, "body_cut")
    assert wire.offset(upload_id) == 4
    assert wire("PATCH", upload_id, body=b"456789", Upload_Offset=4).headers["Upload-Offset"] == "10"
    assert wire.application.area.path(upload_id).read_bytes() == b"0123456789"


def test_never_more_bytes_than_the_upload_length(wire: Any) -> None:
    upload_id = wire.create(10, b"01234")
    assert wire("PATCH", upload_id, body=b"567890", Upload_Offset=5).status == 413
    assert wire.last_body.taken == 0
    assert wire("POST", body=b"x" * 11, Upload_Length=10).status == 413
    assert wire.offset(upload_id) == 5


def test_a_finished_upload_takes_no_late_write(wire: Any) -> None:
    upload_id = wire.create(5, b"01234")
    assert wire("PATCH", upload_id, body=b"XXXXX", Upload_Offset=0).status == 409
    assert wire("PATCH", upload_id, body=b"X", Upload_Offset=5).status == 413
    assert wire("HEAD", upload_id).status == 200
    assert wire.application.area.path(upload_id).read_bytes() == b"01234"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Busy, 423),
        (errors.TakenOver, 423),
        (errors.BodyCut, 503),
        (errors.NoRoom, 507),
        (errors.SyncFailed, 503),
        (errors.StagingMissing, 503),
        (errors.StagingShort, 410),
        (errors.PathRefused, 422),
        (errors.DataplaneError, 503),
    ],
)
def test_each_trouble_has_its_status_and_passing_ones_are_never_404(
    wire: Any, monkeypatch: pytest.MonkeyPatch, error: type[errors.DataplaneError], status: int
) -> None:
    upload_id = wire.create()

    def fail(*_: object) -> None:
        raise error("Something happened.")

    monkeypatch.setattr(wire.application, "look_up", fail)
    answer = wire("HEAD", upload_id)
    assert answer.status == status
    assert "Upload-Offset" not in answer.headers
    assert ("Retry-After" in answer.headers) == (status in (423, 503))
