"""What a request asks of the bytes it names: ranges and preconditions (RFC 9110 sections 13 and 14), as pure functions.

Every door that serves bytes reads these headers here and nowhere else.
"""

import re

from dataplane.spans import Span, disjoint

MOST_RANGES = 16
_LONGEST_HEADER = 1000  # sixteen ranges of 19 digits at either end need 650
_BYTES = re.compile(r"bytes=(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)-([0-9]*)|-([0-9]+)")
_TAGS = re.compile(r'[ \t,]*(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:,[ \t,]*|$))+')
_TAG = re.compile(r'"[^"]*"')


class Unsatisfiable(ValueError):
    """Every range lies behind the end: answer 416 with `Content-Range: bytes */<total>`."""


def wanted_spans(header: str | None, total: int) -> list[Span] | None:
    """The spans that a `Range` header asks for, in its order, or None to send everything with status 200.

    None also for what the RFC lets a server ignore: another unit, a broken header, more than MOST_RANGES, ranges that
    overlap. Ranges behind the end are left out. Raises Unsatisfiable when none is left.
    """
    match = _BYTES.fullmatch(header) if header and len(header) <= _LONGEST_HEADER else None
    if match is None:
        return None
    asked = [_RANGE.fullmatch(part) for each in match[1].split(",") if (part := each.strip(" \t"))]
    if not asked or len(asked) > MOST_RANGES:
        return None
    spans: list[Span] = []
    for one in asked:
        if one is None or _is_backwards(one):
            return None
        spans.append(_span(one, total))
    if total == 0 and any(one and one[3] and int(one[3]) for one in asked):
        return None  # the last bytes of nothing are the whole of it
    within = [span for span in spans if span[0] < span[1]]
    if not within:
        raise Unsatisfiable
    return within if disjoint(within) else None


def if_range_holds(header: str | None, etag: str) -> bool:
    """Whether the `Range` beside this `If-Range` may be honoured: only for exactly this strong ETag.

    A date never holds: we promise the same bytes by ETag alone.
    """
    return header is None or header.strip() == etag


def if_match_fails(header: str | None, etag: str) -> bool:
    """Whether to answer 412: the client wants other bytes than these, compared strongly."""
    if header is None or header.strip() == "*":
        return False
    return etag not in _tags(header, weak=False)


def if_none_match_fails(header: str | None, etag: str) -> bool:
    """Whether to answer 304: the client has these bytes already. A weak tag of the same text will do."""
    if header is None:
        return False
    return header.strip() == "*" or etag in _tags(header, weak=True)


def _is_backwards(one: re.Match[str]) -> bool:
    return bool(one[2]) and int(one[2]) < int(one[1])


def _span(one: re.Match[str], total: int) -> Span:
    """Empty when it lies behind the end."""
    first, last, suffix = one.groups()
    if suffix is not None:
        return max(0, total - int(suffix)), total
    return int(first), min(int(last) + 1, total) if last else total


def _tags(header: str, *, weak: bool) -> list[str]:
    """The strong tags of a list, or all of them without their `W/`; none when it is broken."""
    if not _TAGS.fullmatch(header):
        return []
    return [tag[0] for tag in _TAG.finditer(header) if weak or header[max(0, tag.start() - 2) : tag.start()] != "W/"]
