"""Files that are sent one after the other, the next ones asked for while one goes out.

A store at the end of a line answers each request after a while, however small the file: asked for one at a time, a
thousand small files take a thousand whiles. Memory is limited for all streams of a process together; a stream that
finds none left goes on one by one.
"""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

from dataplane.filepieces import OpenSource
from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import Opened, Segment

_SMALL = 2**20  # bytes; beyond that the line is busy enough with one file
_MOST_FILES, _MOST_BYTES = 16, 2**22  # of one stream, so that a slow client does not hold what others could use
_MOST_SEGMENTS, _SHORT = 64, 4096  # what lies between files waits too, in few bytes


class _Waiting(NamedTuple):
    segment: Segment
    asked: Future[bytes] | None
    room: int


class ReadAhead:
    """At most `threads` requests and `room` bytes at a time, for all streams that use it."""

    def __init__(self, threads: int, room: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
        self._room, self._lock = room, Lock()

    def __call__(self, segments: Iterable[Segment], open_source: OpenSource) -> Opened:
        """The segments in their order, the small files among the next ones being read already.

        What opening and reading raise comes when the file's turn has come.
        """
        coming, waiting = iter(segments), deque[_Waiting]()
        try:
            while self._fill(waiting, coming, open_source):
                first = waiting[0]
                yield first.segment, _content_of(first.asked) if first.asked else open_source
                self._give(waiting.popleft().room)
        finally:
            for each in waiting:
                self._drop(each)

    def _fill(self, waiting: deque[_Waiting], coming: Iterator[Segment], open_source: OpenSource) -> bool:
        """Whether anything is left to be sent."""
        while _may_look_further(waiting) and (segment := next(coming, None)) is not None:
            waiting.append(self._asked(segment, open_source))
            if isinstance(segment, SourceSlice) and waiting[-1].asked is None:
                break
        return bool(waiting)

    def _asked(self, segment: Segment, open_source: OpenSource) -> _Waiting:
        """At once if the segment is a small file and there is room."""
        size = segment.stop - segment.start if isinstance(segment, SourceSlice) else 0
        if isinstance(segment, bytes) or size > _SMALL or not self._take(size):
            return _Waiting(segment, None, 0)
        return _Waiting(segment, self._pool.submit(_read, segment, open_source), size)

    def _take(self, size: int) -> bool:
        with self._lock:
            if size > self._room:
                return False
            self._room -= size
            return True

    def _give(self, size: int) -> None:
        with self._lock:
            self._room += size

    def _drop(self, each: _Waiting) -> None:
        """The client has left."""
        if each.asked is None:
            return
        each.asked.cancel()
        each.asked.add_done_callback(lambda done: self._give(each.room))


def _may_look_further(waiting: deque[_Waiting]) -> bool:
    asked = [each.room for each in waiting if each.asked]
    long = waiting and isinstance(last := waiting[-1].segment, bytes) and len(last) > _SHORT
    return not long and len(waiting) < _MOST_SEGMENTS and len(asked) < _MOST_FILES and sum(asked) < _MOST_BYTES


def _content_of(asked: "Future[bytes]") -> OpenSource:
    return lambda part: io.BytesIO(asked.result())


def _read(part: SourceSlice, open_source: OpenSource) -> bytes:
    """To its end and one byte more if that is wanted, so that a file that has grown is noticed."""
    wanted = part.stop - part.start + (part.stop == part.size)
    content = bytearray()
    with open_source(part) as source:
        while len(content) < wanted and (piece := source.read(wanted - len(content))):
            content += piece
    return bytes(content)
