"""The concatenation extension of tus 1.0, line by line, and how the bytes are joined."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dataplane import joining
from dataplane.errors import NoRoom, StagingMissing, StagingShort, TakenOver
from dataplane.joining import Part, join_parts
from dataplane.staging import StagingArea


def part(wire: Any, data: bytes, length: int | None = None) -> str:
    upload_id = wire.create(len(data) if length is None else length, data, Upload_Concat="partial")
    return str(upload_id)


def final(*upload_ids: str) -> str:
    return "final;" + " ".join(f"/tus/{upload_id}" for upload_id in upload_ids)


def test_a_part_answers_that_it_is_one(wire: Any) -> None:
    upload_id = part(wire, b"01", 5)
    assert wire("HEAD", upload_id).headers["Upload-Concat"] == "partial"
    assert wire.application.creations[-1].is_part


def test_the_final_is_the_sum_of_its_parts_in_order(wire: Any) -> None:
    first, second = part(wire, b"01234"), part(wire, b"567")
    answer = wire("POST", Upload_Concat=final(second, first), Upload_Metadata="path YQ==")
    upload_id = answer.headers["Location"].rsplit("/", 1)[1]
    assert answer.status == 201
    head = wire("HEAD", upload_id).headers
    assert (head["Upload-Length"], head["Upload-Offset"]) == ("8", "8")
    assert head["Upload-Concat"] == final(second, first)
    assert head["Upload-Metadata"] == "path YQ=="
    assert wire.application.area.path(upload_id).read_bytes() == b"56701234"


@pytest.mark.parametrize("address", ["/tus/{}", "https://portal.example/tus/{}", "{}", "/tus/{}?x=1"])
def test_addresses_of_parts_are_absolute_or_relative(wire: Any, address: str) -> None:
    first = part(wire, b"01234")
    assert wire("POST", Upload_Concat=f"final;{address.format(first)} {address.format(first)}").status == 201


def test_the_same_part_may_be_used_twice(wire: Any) -> None:
    first = part(wire, b"012")
    for header, content in ((final(first, first), b"012012"), (final(first), b"012")):
        answer = wire("POST", Upload_Concat=header)
        upload_id = answer.headers["Location"].rsplit("/", 1)[1]
        assert wire.application.area.path(upload_id).read_bytes() == content


@pytest.mark.parametrize("name", ["Upload_Length", "Upload_Defer_Length"])
def test_a_length_on_a_final_is_400(wire: Any, name: str) -> None:
    assert wire("POST", Upload_Concat=final(part(wire, b"012")), **{name: 1}).status == 400


def test_a_body_on_a_final_is_400(wire: Any) -> None:
    assert wire("POST", body=b"x", Upload_Concat=final(part(wire, b"012"))).status == 400
    assert wire.last_body.taken == 0


def test_patch_on_a_final_is_403(wire: Any) -> None:
    answer = wire("POST", Upload_Concat=final(part(wire, b"012")))
    upload_id = answer.headers["Location"].rsplit("/", 1)[1]
    assert wire("PATCH", upload_id, body=b"x", Upload_Offset=3).status == 403


def test_unfinished_and_unknown_parts_are_refused(wire: Any) -> None:
    assert wire("POST", Upload_Concat=final(part(wire, b"012", 5))).status == 422
    assert wire("POST", Upload_Concat=final("no-such-part")).status == 404
    assert wire("POST", Upload_Concat=final(wire.create(3, b"012"))).status == 422


@pytest.mark.parametrize("header", ["", "final", "final;", "final; ", "Partial", "parts;/tus/a", "final;a  b"])
def test_a_concat_header_that_makes_no_sense_is_400(wire: Any, header: str) -> None:
    assert wire("POST", Upload_Length=1, Upload_Concat=header).status == 400


def test_a_part_has_a_length_or_defers_it(wire: Any) -> None:
    assert wire("POST", Upload_Concat="partial").status == 400
    assert wire("POST", Upload_Concat="partial", Upload_Defer_Length=1).status == 201


# --- the bytes


@pytest.fixture
def area(tmp_path: Path) -> StagingArea:
    area = StagingArea(tmp_path)
    area.prepare()
    for name, data in (("part-one", b"0123456789"), ("part-two", b""), ("part-three", b"abcde")):
        area.path(name).write_bytes(data)
    return area


def parts(area: StagingArea) -> list[Part]:
    paths = [area.path(name) for name in ("part-one", "part-two", "part-three", "part-one")]
    return [Part(path, path.stat().st_size) for path in paths]


JOINED = b"0123456789abcde0123456789"


@pytest.mark.parametrize("kernel_copies", [True, False])
@pytest.mark.parametrize("begun", range(0, len(JOINED) + 1, 5))
def test_joining_goes_on_where_it_was_killed(
    area: StagingArea, monkeypatch: pytest.MonkeyPatch, begun: int, *, kernel_copies: bool
) -> None:
    monkeypatch.setattr(joining, "COPY_AT_ONCE", 3)
    monkeypatch.setattr(joining, "RECORD_EVERY", 4)
    if not kernel_copies:
        monkeypatch.setattr(os, "copy_file_range", refusing(errno.EXDEV))
    area.path("upload-1").write_bytes(JOINED[:begun] + b"never recorded")
    recorded: list[int] = []
    with area.open("upload-1", recorded=begun) as writer:
        join_parts(parts(area), writer, record=recorded.append, stop_requested=lambda: False)
    assert area.path("upload-1").read_bytes() == JOINED
    assert recorded == sorted(recorded)
    assert recorded[-1:] == ([] if begun == len(JOINED) else [len(JOINED)])
    assert area.path("part-one").read_bytes() == b"0123456789"


@pytest.mark.parametrize(("left", "error"), [(2, StagingShort), (None, StagingMissing)])
def test_a_missing_or_shortened_part_is_told_before_anything_is_copied(
    area: StagingArea, left: int | None, error: type[Exception]
) -> None:
    wanted, spoilt = parts(area), area.path("part-three")
    if left is None:
        spoilt.unlink()
    else:
        os.truncate(spoilt, left)
    with area.open("upload-1", recorded=0) as writer:
        with pytest.raises(error):
            join_parts(wanted, writer, record=lambda _: None, stop_requested=lambda: False)
        assert writer.offset == 0


def test_joining_stops_when_it_is_asked_to(area: StagingArea) -> None:
    with area.open("upload-1", recorded=0) as writer, pytest.raises(TakenOver):
        join_parts(parts(area), writer, record=lambda _: None, stop_requested=lambda: True)


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, NoRoom), (errno.EIO, OSError)])
def test_trouble_of_the_disk_is_told(
    area: StagingArea, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    monkeypatch.setattr(os, "copy_file_range", refusing(number))
    with area.open("upload-1", recorded=0) as writer, pytest.raises(error):
        join_parts(parts(area), writer, record=lambda _: None, stop_requested=lambda: False)


def refusing(number: int) -> Any:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse
