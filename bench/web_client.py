"""Fetching over HTTP as fast as it can be done here: curl for rates, since it costs the machine the least, and a bare
socket for the time until the first byte of the body.
"""

import http.client
import subprocess
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

TOLD = "%{http_code} %{time_total} %{size_download}"


@dataclass(frozen=True)
class Fetched:
    """``size`` in bytes of the body, as it arrived."""

    status: int
    seconds: float
    size: int


@dataclass(frozen=True)
class FirstByte:
    """``seconds`` until the first byte of the body; ``range`` as the answer says which bytes these are, or empty."""

    status: int
    seconds: float
    range: str


def fetch(url: str, span: str = "", into: Path | None = None) -> Fetched:
    """All of it, or ``span`` of it (``100-`` or ``0-99``); to nowhere, or into a file."""
    told, _ = _curl(url, span, into).communicate()
    return _fetched(told)


def fetch_at_once(url: str, spans: list[str]) -> Fetched:
    """Each span over a connection of its own, all beginning together: seconds until the last has ended."""
    began = time.perf_counter()
    running = [_curl(url, span, None) for span in spans]
    parts = [_fetched(curl.communicate()[0]) for curl in running]
    return Fetched(max(part.status for part in parts), time.perf_counter() - began, sum(part.size for part in parts))


def first_byte(url: str, span: str = "") -> FirstByte:
    """The connection is closed after that byte."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    headers = {"Range": f"bytes={span}"} if span else {}
    began = time.perf_counter()
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers)
    answer = connection.getresponse()
    answer.read(1)
    seconds = time.perf_counter() - began
    connection.close()
    return FirstByte(answer.status, seconds, answer.headers.get("Content-Range", ""))


def equal_spans(size: int, count: int) -> list[str]:
    """``count`` ranges that together are all of it."""
    edges = [size * number // count for number in range(count + 1)]
    return [f"{start}-{end - 1}" for start, end in pairwise(edges)]


def _curl(url: str, span: str, into: Path | None) -> "subprocess.Popen[bytes]":
    ranged = ["--range", span] if span else []
    command = ["curl", "--silent", "--show-error", "--output", str(into or "/dev/null"), "--write-out", TOLD]
    return subprocess.Popen([*command, *ranged, url], stdout=subprocess.PIPE)


def _fetched(told: bytes) -> Fetched:
    status, seconds, size = told.decode().split()
    return Fetched(int(status), float(seconds), int(size))
