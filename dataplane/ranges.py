"""Byte ranges of HTTP (RFC 9110 section 14): which one is asked for, and which were sent so far.

A span is a pair `(start, stop)` of byte offsets, half open: `(0, 1)` is the first byte alone.
"""

import re
from collections.abc import Iterable

Span = tuple[int, int]

MOST_SPANS = 1000  # kept for one receipt; a client that leaves more holes than this is told less, never more
_LONGEST_HEADER = 200
_BYTES = re.compile(r"bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range lies behind the end: answer 416 with `Content-Range: bytes */<total>`."""


def wanted_span(header: str | None, total: int) -> Span | None:
    """The span that a `Range` header asks for, or None to send everything with status 200.

    None also for what the RFC lets a server ignore: another unit, a broken header, several ranges at once.
    Raises Unsatisfiable.
    """
    match = _BYTES.fullmatch(header) if header and len(header) <= _LONGEST_HEADER else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return _last_bytes(int(suffix), total)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= total:
        raise Unsatisfiable
    return start, min(int(last) + 1, total) if last else total


def _last_bytes(count: int, total: int) -> Span | None:
    if count == 0:
        raise Unsatisfiable
    return (max(0, total - count), total) if total else None


def if_range_holds(header: str | None, etag: str) -> bool:
    """Whether the `Range` beside this `If-Range` may be honoured: only for exactly this strong ETag.

    A date never holds: we promise the same bytes by ETag alone.
    """
    return header is None or header.strip() == etag


def merge(spans: Iterable[Span], new: Span) -> list[Span]:
    """The spans with `new` among them: sorted, disjoint, not touching. Of more than MOST_SPANS the shortest go."""
    merged: list[Span] = []
    for start, stop in sorted(span for span in (*spans, new) if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    if len(merged) > MOST_SPANS:
        merged = sorted(sorted(merged, key=lambda span: span[0] - span[1])[:MOST_SPANS])
    return merged


def covers(spans: Iterable[Span], total: int) -> bool:
    """Whether merged spans hold every byte of `total`; nothing needs to be sent of an empty file."""
    return total == 0 or list(spans) == [(0, total)]


def bytes_in(spans: Iterable[Span]) -> int:
    return sum(stop - start for start, stop in spans)
