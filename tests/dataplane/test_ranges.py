import email
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.byteranges import ByteRanges
from dataplane.ranges import (
    MOST_RANGES,
    Unsatisfiable,
    if_match_fails,
    if_none_match_fails,
    if_range_holds,
    wanted_spans,
)
from dataplane.spans import Span


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-99", [(0, 100)]),
        ("bytes=10-", [(10, 100)]),
        ("bytes=10-5000", [(10, 100)]),
        ("bytes=-1", [(99, 100)]),
        ("bytes=-5000", [(0, 100)]),
        ("Bytes= 0-0 ", [(0, 1)]),
        ("bytes=00-007", [(0, 8)]),
        ("bytes=0-1,2-3", [(0, 2), (2, 4)]),
        ("bytes=90-, 0-9 ,\t40-49", [(90, 100), (0, 10), (40, 50)]),
        ("bytes=,0-0,,-1,", [(0, 1), (99, 100)]),
        ("bytes=0-9,100-,200-300", [(0, 10)]),
        ("bytes=-0,5-5", [(5, 6)]),
        ("bytes=" + ",".join(f"{at}-{at}" for at in range(MOST_RANGES)), [(at, at + 1) for at in range(MOST_RANGES)]),
    ],
)
def test_ranges_are_the_bytes_they_name_in_their_order(header: str, spans: list[Span]) -> None:
    assert wanted_spans(header, 100) == spans


@pytest.mark.parametrize(
    "header",
    [
        None, "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0 -1", "items=0-1",
        "bytes=0-1x", "bytes=+1-2", "bytes=0x1-2", "bytes=\u0661-\u0662", "bytes=0-\n1", "bytes=1--2", "bytes:0-1",
        "bytes=" + "9" * 5000 + "-", "bytes=0-1,5-4", "bytes=0-1,x", "bytes=0-1;2-3", "bytes=0-1 2-3",
        "bytes=0-5,5-9", "bytes=0-,-1", "bytes=0-0,0-0",
        "bytes=" + ",".join(f"{at}-{at}" for at in range(MOST_RANGES + 1)),
    ],
)  # fmt: skip
def test_what_is_broken_overlaps_or_is_too_much_is_ignored(header: str | None) -> None:
    assert wanted_spans(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 100}-", "bytes=100-,-0"])
def test_ranges_behind_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_spans(header, 100)


def test_the_last_bytes_of_an_empty_file_are_the_whole_of_it() -> None:
    assert wanted_spans("bytes=-5", 0) is None
    for header in ("bytes=0-", "bytes=-0"):
        with pytest.raises(Unsatisfiable):
            wanted_spans(header, 0)


@settings(max_examples=500)
@given(st.text(alphabet="0123456789-, \t", max_size=30), st.integers(0, 200))
def test_no_header_asks_for_more_than_there_is_or_for_a_byte_twice(text: str, total: int) -> None:
    try:
        spans = wanted_spans(f"bytes={text}", total)
    except Unsatisfiable:
        return
    assert spans is None or all(0 <= start < stop <= total for start, stop in spans)
    asked = [byte for span in spans or [] for byte in range(*span)]
    assert len(asked) == len(set(asked))


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), min_size=1, max_size=MOST_RANGES))
def test_ranges_agree_with_a_model_of_sets(pairs: list[tuple[int, int]]) -> None:
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)
    sets = [set(range(first, min(last, 99) + 1)) for first, last in pairs]
    broken = any(last < first for first, last in pairs)
    overlapping = sum(map(len, sets)) != len(set().union(*sets))
    try:
        spans = wanted_spans(header, 100)
    except Unsatisfiable:
        assert not broken
        assert not any(sets)
    else:
        assert (spans is None) is (broken or overlapping)
        assert spans is None or [set(range(*span)) for span in spans] == [each for each in sets if each]


@pytest.mark.parametrize(
    ("header", "holds"),
    [(None, True), ('"abc"', True), (' "abc" ', True), ('W/"abc"', False), ('"abd"', False), ("abc", False),
     ("Sat, 21 Nov 2026 04:00:00 GMT", False)],
)  # fmt: skip
def test_if_range_holds_for_exactly_the_strong_etag(header: str | None, holds: bool) -> None:
    assert if_range_holds(header, '"abc"') is holds


@pytest.mark.parametrize(
    ("header", "not_modified", "not_matched"),
    [
        (None, False, False), ("*", True, False), ('"abc"', True, False), ('"x", "abc"', True, False),
        ('W/"abc"', True, True), ('"x" , W/"y"', False, True), (',, "abc" ,', True, False), ("abc", False, True),
        ('"abc', False, True), ('"x""abc"', False, True), ("", False, True), ('"x, \\"abc"', False, True),
    ],
)  # fmt: skip
def test_preconditions_read_lists_of_tags(header: str | None, not_modified: bool, not_matched: bool) -> None:
    assert if_none_match_fails(header, '"abc"') is not_modified
    assert if_match_fails(header, '"abc"') is not_matched


def _body(frame: ByteRanges, spans: Sequence[Span], content: bytes) -> bytes:
    return b"".join(frame.before((start, stop)) + content[start:stop] for start, stop in spans) + frame.end


def test_several_ranges_make_a_body_of_the_promised_length_that_mail_programs_can_read() -> None:
    content, spans = bytes(range(256)), [(0, 10), (200, 256), (50, 51)]
    frame = ByteRanges(spans, len(content), "application/zip")
    body = _body(frame, spans, content)
    assert len(body) == frame.length
    parsed: Any = email.message_from_bytes(f"Content-Type: {frame.content_type}\r\n\r\n".encode() + body)
    parts = parsed.get_payload()
    assert isinstance(parts, list)
    assert [part["Content-Range"] for part in parts] == ["bytes 0-9/256", "bytes 200-255/256", "bytes 50-50/256"]
    assert {part.get_content_type() for part in parts} == {"application/zip"}
