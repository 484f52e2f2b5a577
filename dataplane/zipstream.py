"""Sends a byte range of a zip layout, reading the files through a callable.

A file that is missing, unreadable, shorter, longer or other than it was when it was verified ends the stream with an
exception, and so the connection: nothing is padded, and the client sees that it has not got everything.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from zlib_ng.zlib_ng import crc32 as crc32_of

from dataplane.errors import DataplaneError
from dataplane.ziplayout import SourceSlice, ZipLayout

OpenSource = Callable[[SourceSlice], BinaryIO]  # a reader that stands at its first byte and gives less only at its end
Segment = bytes | SourceSlice
Opened = Iterator[tuple[Segment, OpenSource]]  # each with what opens it when its turn has come
Opening = Callable[[Iterable[Segment], OpenSource], Opened]

PIECE = 128 * 1024  # a thread held up by a slow client holds one of these; larger ones are hardly faster


class SourceChanged(DataplaneError):
    """A file is not what was verified."""


def one_by_one(segments: Iterable[Segment], open_source: OpenSource) -> Opened:
    """A file is opened when the one before it has gone."""
    return ((segment, open_source) for segment in segments)


def zip_bytes(
    layout: ZipLayout,
    start: int,
    stop: int,
    open_source: OpenSource,
    piece: int = PIECE,
    opening: Opening = one_by_one,
) -> Iterator[bytes]:
    """Bytes `start` to `stop` of the zip, in pieces of about `piece` bytes.

    Raises SourceChanged, and what `open_source` and reading raise.
    """
    pending, size = [], 0
    for segment, open_it in opening(layout.segments(start, stop), open_source):
        chunks = iter((segment,)) if isinstance(segment, bytes) else source_bytes(segment, open_it, piece)
        for chunk in chunks:
            pending.append(chunk)
            size += len(chunk)
            if size >= piece:
                yield b"".join(pending)
                pending, size = [], 0
    if pending:
        yield b"".join(pending)


def source_bytes(part: SourceSlice, open_source: OpenSource, piece: int = PIECE) -> Iterator[bytes]:
    """A part of one file, in pieces. The end of the file, and the CRC-32 of a whole one, are checked on the way.

    Raises SourceChanged, and what `open_source` and reading raise.
    """
    position, crc32 = part.start, 0
    with open_source(part) as source:
        while position < part.stop:
            wanted = min(piece, part.stop - position)
            last = position + wanted == part.size
            chunk = source.read(wanted + last)  # one byte more than there should be
            position += len(chunk)
            crc32 = crc32_of(chunk, crc32) if part.start == 0 else 0
            if not chunk or position >= part.size:
                require_end(part, position)
                _require_content(part, crc32)
            yield chunk


def require_end(part: SourceSlice, end: int) -> None:
    """That the file is as long as it was. Before the last piece goes out, so that a wrong one is never handed over
    whole. Raises SourceChanged."""
    if end < part.size:
        raise SourceChanged(f"{part.path!a} ends at byte {end} of {part.size}: it was cut since it was verified.")
    if end > part.size:
        raise SourceChanged(f"{part.path!a} has more than {part.size} bytes: it was written to since it was verified.")


def _require_content(part: SourceSlice, crc32: int) -> None:
    if part.start == 0 and crc32 != part.crc32:
        raise SourceChanged(f"{part.path!a} has other content than what was verified.")
