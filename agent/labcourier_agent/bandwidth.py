"""A limit on the bytes a second of all senders together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

import httpx2

from labcourier_agent.timetable import Timetable

# What is let through at once: little enough that a change of the limit is felt soon.
SLICE = 64 * 1024
LEAST_SLICE = 1024
# So many slices a second at least, where the limit is low.
SLICES_A_SECOND = 8
# Time that passed unused may be made up for, up to this many seconds.
MAKE_UP = 0.25


class Bandwidth:
    """Thread-safe. Each sender in turn is told how long to wait before its next slice."""

    def __init__(
        self,
        timetable: Timetable,
        *,
        now: Callable[[], datetime] = datetime.now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timetable = timetable
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def pace(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same bytes, as fast as allowed. Without a limit at the moment, the same pieces."""
        for piece in pieces:
            position = 0
            while position < len(piece):
                rate = self._timetable.rate_at(self._now())
                size = len(piece) if rate is None else min(SLICE, max(rate // SLICES_A_SECOND, LEAST_SLICE))
                part = piece[position : position + size]
                if rate is not None:
                    self._sleep(self._turn(len(part), rate))
                yield part
                position += len(part)

    def _turn(self, size: int, rate: int) -> float:
        """Seconds to wait for `size` bytes to be allowed; they count as sent."""
        with self._lock:
            now = time.monotonic()
            start = max(self._free_at, now - MAKE_UP)
            self._free_at = start + size / rate
            return max(start - now, 0.0)

    def limit(self, request: httpx2.Request) -> None:
        """An event hook for a client: the body of each request is paced, however it is made."""
        stream = request.stream
        if isinstance(stream, httpx2.SyncByteStream) and request.headers.get("Content-Length", "0") != "0":
            request.stream = _PacedStream(stream, self)


class _PacedStream(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, bandwidth: Bandwidth) -> None:
        self._stream = stream
        self._bandwidth = bandwidth

    def __iter__(self) -> Iterator[bytes]:
        yield from self._bandwidth.pace(self._stream)

    def close(self) -> None:
        self._stream.close()
