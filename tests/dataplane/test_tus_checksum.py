"""The checksum extension of tus 1.0, line by line."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataplane.errors import BodyCut, TakenOver
from dataplane.receive import Checksum, receive
from dataplane.staging import StagingArea
from dataplane.tus_messages import TusResponse

Code = Callable[[TusResponse], str]
DATA = b"01234"


def stated(algorithm: str, data: bytes = DATA) -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def test_options_names_the_algorithms(wire: Any) -> None:
    assert wire("OPTIONS", Tus_Resumable=None).headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_checksums_in_trailers_are_not_offered(wire: Any) -> None:
    assert "checksum-trailer" not in wire("OPTIONS", Tus_Resumable=None).headers["Tus-Extension"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_the_right_checksum_lets_the_piece_in(wire: Any, algorithm: str) -> None:
    upload_id = wire.create(10)
    answer = wire("PATCH", upload_id, body=DATA, Upload_Offset=0, Upload_Checksum=stated(algorithm))
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "5")


def test_a_wrong_checksum_is_460_discards_the_bytes_and_a_right_retry_works(wire: Any, code_of: Code) -> None:
    upload_id = wire.create(10, b"abcde")
    answer = wire("PATCH", upload_id, body=DATA, Upload_Offset=5, Upload_Checksum=stated("sha1", b"other"))
    assert (answer.status, code_of(answer)) == (460, "checksum_mismatch")
    assert wire.offset(upload_id) == 5
    assert wire.application.area.path(upload_id).read_bytes() == b"abcde"
    again = wire("PATCH", upload_id, body=DATA, Upload_Offset=5, Upload_Checksum=stated("sha1"))
    assert (again.status, again.headers["Upload-Offset"]) == (204, "10")
    assert wire.application.area.path(upload_id).read_bytes() == b"abcde" + DATA


@pytest.mark.parametrize(
    "header",
    [
        stated("sha256").replace("sha256", "md5"),
        stated("sha256").replace("sha256", "SHA256"),
        "crc32 AAAA",
        "sha1",
        "sha1 ",
        "sha1 not-base64!",
        "sha1 AAAA",
        stated("sha256").replace("sha256", "sha1"),
        "",
    ],
)
def test_an_unknown_algorithm_or_a_malformed_header_is_400_before_the_body(wire: Any, header: str) -> None:
    upload_id = wire.create(10)
    assert wire("PATCH", upload_id, body=DATA, Upload_Offset=0, Upload_Checksum=header).status == 400
    assert wire.last_body.taken == 0
    assert wire.offset(upload_id) == 0
    assert wire("PATCH", upload_id, body=DATA, Upload_Offset=0, Upload_Checksum=stated("sha1")).status == 204


def test_bytes_that_come_with_a_creation_are_checked_too(wire: Any) -> None:
    wrong = wire("POST", body=DATA, Upload_Length=10, Upload_Checksum=stated("sha256", b"other"))
    assert wrong.status == 460
    assert (wire.application.uploads, wire.application.area.stray_ids()) == ({}, [])
    right = wire("POST", body=DATA, Upload_Length=10, Upload_Checksum=stated("sha256"))
    assert (right.status, right.headers["Upload-Offset"]) == (201, "5")


def test_a_broken_line_keeps_nothing_of_a_checked_piece(wire: Any) -> None:
    """What came cannot be checked, and what is not checked must not be recorded."""
    upload_id = wire.create(10)
    answer = wire("PATCH", upload_id, body=DATA, Upload_Offset=0, Content_Length=9, Upload_Checksum=stated("sha1"))
    assert answer.status == 503
    assert wire.offset(upload_id) == 0
    assert wire.application.area.path(upload_id).read_bytes() == b""


class Scripted:
    """Gives four bytes and then the last step: nothing more, or silence."""

    def __init__(self, last: bytes | None) -> None:
        self._script = iter([b"01", b"23", last])

    def read(self, size: int) -> bytes | None:
        return next(self._script)


@pytest.mark.parametrize(("last", "error"), [(b"", BodyCut), (None, TakenOver)])
def test_nothing_of_a_checked_body_is_recorded_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bytes | None, error: type[Exception]
) -> None:
    monkeypatch.setattr("dataplane.receive.RECORD_EVERY", 2)
    area, recorded = StagingArea(tmp_path), list[int]()
    area.prepare()
    checksum = Checksum("sha256", hashlib.sha256(DATA).digest())
    asked = iter([False, False, False, True])

    def stop_requested() -> bool:
        return next(asked)

    with area.open("upload-1", recorded=0) as writer, pytest.raises(error):
        receive(Scripted(last), writer, 5, record=recorded.append, stop_requested=stop_requested, checksum=checksum)
    assert (recorded, area.path("upload-1").stat().st_size) == ([], 0)
