from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.ranges import (
    MOST_SPANS,
    Span,
    Unsatisfiable,
    bytes_in,
    covers,
    if_range_holds,
    merge,
    wanted_span,
)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 100)),
        ("bytes=10-", (10, 100)),
        ("bytes=10-5000", (10, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-5000", (0, 100)),
        ("Bytes= 0-0 ", (0, 1)),
        ("bytes=00-007", (0, 8)),
    ],
)
def test_a_single_range_is_the_bytes_it_names(header: str, span: Span) -> None:
    assert wanted_span(header, 100) == span


@pytest.mark.parametrize(
    "header",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,2-3", "bytes=0 -1", "items=0-1",
        "bytes=0-1x", "bytes=+1-2", "bytes=0x1-2", "bytes=\u0661-\u0662", "bytes=0-\n1", "bytes=1--2", "bytes:0-1",
        "bytes=" + "9" * 5000 + "-",
    ],
)  # fmt: skip
def test_what_is_no_single_byte_range_is_ignored(header: str | None) -> None:
    assert wanted_span(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 100}-"])
def test_a_range_behind_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_span(header, 100)


def test_the_last_bytes_of_an_empty_file_are_the_whole_of_it() -> None:
    assert wanted_span("bytes=-5", 0) is None


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=30), st.integers(0, 200))
def test_no_header_asks_for_more_than_there_is(header: str, total: int) -> None:
    try:
        span = wanted_span(header, total)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span[0] < span[1] <= total


@pytest.mark.parametrize(
    ("header", "holds"),
    [(None, True), ('"abc"', True), (' "abc" ', True), ('W/"abc"', False), ('"abd"', False), ("abc", False),
     ("Sat, 21 Nov 2026 04:00:00 GMT", False)],
)  # fmt: skip
def test_if_range_holds_for_exactly_the_strong_etag(header: str | None, holds: bool) -> None:
    assert if_range_holds(header, '"abc"') is holds


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))))
def test_merged_spans_hold_exactly_the_bytes_that_were_sent(spans: list[Span]) -> None:
    merged: list[Span] = []
    sent: set[int] = set()
    for span in spans:
        merged = merge(merged, span)
        sent |= set(range(*span))
    assert {byte for span in merged for byte in range(*span)} == sent
    assert bytes_in(merged) == len(sent)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
    assert covers(merged, 60) is (sent == set(range(60)))


def test_five_ranges_in_any_order_make_one_whole() -> None:
    merged: list[Span] = []
    for span in [(40, 60), (0, 20), (80, 100), (20, 40), (55, 81)]:
        merged = merge(merged, span)
    assert merged == [(0, 100)]
    assert covers(merged, 100)


def test_an_empty_file_is_covered_by_nothing() -> None:
    assert covers([], 0)
    assert not covers([], 1)


def test_a_client_that_leaves_thousands_of_holes_is_remembered_by_its_longest_spans() -> None:
    merged = [(0, 1000)]
    for number in range(MOST_SPANS + 50):
        merged = merge(merged, (2000 + 2 * number, 2001 + 2 * number))
    assert len(merged) == MOST_SPANS
    assert merged[0] == (0, 1000)
