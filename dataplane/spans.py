"""Sets of bytes as spans: which bytes of something went out so far, however many requests it took.

A span is a pair `(start, stop)` of byte offsets, half open: `(0, 1)` is the first byte alone.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

Span = tuple[int, int]

MOST_SPANS = 1000  # kept for one receipt; a client that leaves more holes than this is told less, never more


def merge(spans: Iterable[Span], new: Iterable[Span]) -> list[Span]:
    """The spans with `new` among them: sorted, disjoint, not touching. Of more than MOST_SPANS the shortest go."""
    merged: list[Span] = []
    for start, stop in sorted(span for span in (*spans, *new) if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    if len(merged) > MOST_SPANS:
        merged = sorted(sorted(merged, key=lambda span: span[0] - span[1])[:MOST_SPANS])
    return merged


def first_bytes(spans: Iterable[Span], count: int) -> Iterator[Span]:
    """The first `count` bytes of spans that are sent one after the other."""
    for start, stop in spans:
        taken = min(count, stop - start)
        if taken:
            yield start, start + taken
        count -= taken


def without_first(spans: Iterable[Span], count: int) -> Iterator[Span]:
    """What remains of spans that are sent one after the other behind the first `count` bytes."""
    for start, stop in spans:
        taken = min(count, stop - start)
        if start + taken < stop:
            yield start + taken, stop
        count -= taken


def covers(spans: Iterable[Span], total: int) -> bool:
    """Whether merged spans hold every byte of `total`; nothing needs to be sent of an empty file."""
    return total == 0 or list(spans) == [(0, total)]


def bytes_in(spans: Iterable[Span]) -> int:
    return sum(stop - start for start, stop in spans)


def disjoint(spans: Iterable[Span]) -> bool:
    """Whether no byte is in two of them."""
    ordered = sorted(spans)
    return all(before[1] <= after[0] for before, after in pairwise(ordered))
