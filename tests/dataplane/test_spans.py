from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dataplane.spans import MOST_SPANS, Span, bytes_in, covers, disjoint, first_bytes, merge

some_spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)))


@given(some_spans)
def test_merged_spans_hold_exactly_the_bytes_that_were_sent(spans: list[Span]) -> None:
    merged: list[Span] = []
    sent: set[int] = set()
    for span in spans:
        merged = merge(merged, [span])
        sent |= set(range(*span))
    assert merged == merge([], spans)
    assert {byte for span in merged for byte in range(*span)} == sent
    assert bytes_in(merged) == len(sent)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
    assert covers(merged, 60) is (sent == set(range(60)))


@given(some_spans, st.integers(0, 200))
def test_the_first_bytes_of_spans_are_those_in_their_order(spans: list[Span], count: int) -> None:
    every = [byte for span in spans for byte in range(*span)]
    forward = [span for span in spans if span[0] <= span[1]]
    assert [byte for span in first_bytes(forward, count) for byte in range(*span)] == every[:count]


@given(some_spans)
def test_spans_are_disjoint_when_no_byte_is_in_two(spans: list[Span]) -> None:
    forward = [span for span in spans if span[0] < span[1]]
    assert disjoint(forward) is (bytes_in(forward) == len({byte for span in forward for byte in range(*span)}))


def test_five_ranges_in_any_order_make_one_whole() -> None:
    merged = merge([], [(40, 60), (0, 20), (80, 100), (20, 40), (55, 81)])
    assert merged == [(0, 100)]
    assert covers(merged, 100)


def test_an_empty_file_is_covered_by_nothing() -> None:
    assert covers([], 0)
    assert not covers([], 1)


def test_a_client_that_leaves_thousands_of_holes_is_remembered_by_its_longest_spans() -> None:
    merged = [(0, 1000)]
    for number in range(MOST_SPANS + 50):
        merged = merge(merged, [(2000 + 2 * number, 2001 + 2 * number)])
    assert len(merged) == MOST_SPANS
    assert merged[0] == (0, 1000)
