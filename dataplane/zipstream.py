"""Sends a byte range of a zip layout, reading the files through a callable.

A file that is missing, unreadable, shorter, longer or other than it was when it was verified ends the stream with an
exception, and so the connection: nothing is padded, and the client sees that it has not got everything.
"""

from collections.abc import Callable, Iterable, Iterator

from dataplane.filepieces import PIECE, FilePiece, OpenSource, file_pieces
from dataplane.ziplayout import SourceSlice, ZipLayout

Segment = bytes | SourceSlice
Opened = Iterator[tuple[Segment, OpenSource]]  # each with what opens it when its turn has come
Opening = Callable[[Iterable[Segment], OpenSource], Opened]


def one_by_one(segments: Iterable[Segment], open_source: OpenSource) -> Opened:
    """A file is opened when the one before it has gone."""
    return ((segment, open_source) for segment in segments)


def zip_pieces(
    layout: ZipLayout,
    start: int,
    stop: int,
    open_source: OpenSource,
    piece: int = PIECE,
    opening: Opening = one_by_one,
) -> Iterator[bytes | FilePiece]:
    """Bytes `start` to `stop` of the zip, in pieces of about `piece` bytes; what lies in a large file may be shorter.

    Raises SourceChanged, and what `open_source` and reading raise.
    """
    pending, size = list[bytes](), 0
    for segment, open_it in opening(layout.segments(start, stop), open_source):
        for chunk in (segment,) if isinstance(segment, bytes) else file_pieces(segment, open_it, piece):
            if isinstance(chunk, FilePiece):
                if pending:
                    yield _taken(pending)
                yield chunk
                size = 0
                continue
            pending.append(chunk)
            size += len(chunk)
            del chunk  # while a slow client is waited for, nobody holds it
            if size >= piece:
                yield _taken(pending)
                size = 0
    if pending:
        yield _taken(pending)


def _taken(pending: list[bytes]) -> bytes:
    content = b"".join(pending)
    pending.clear()
    return content
