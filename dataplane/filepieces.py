"""A part of one file in pieces, compared with what was verified on the way.

Pieces of a file on this machine are read, or sent by the kernel, only when the connection has room for them: a slow
client holds no memory.
"""

import os
import select
import socket
from collections.abc import Callable, Iterator
from io import FileIO
from typing import BinaryIO, NamedTuple

from zlib_ng.zlib_ng import crc32 as crc32_of

from dataplane.errors import DataplaneError
from dataplane.ziplayout import SourceSlice

OpenSource = Callable[[SourceSlice], BinaryIO]  # a reader that stands at its first byte and gives less only at its end
Seen = Callable[[bytes | memoryview], None]

PIECE = 128 * 1024  # what is read at a time; larger ones are hardly faster
_LEAST = 16 * 1024  # what is read for a slow client


class SourceChanged(DataplaneError):
    """A file is not what was verified."""


def unheeded(_: int) -> None:
    """Nobody needs to know."""


class FilePiece(NamedTuple):
    """`size` bytes of `file` from where it stands. To read or to send them moves it on, by less if it ends before.

    `seen` is told all bytes that go; without it the kernel sends them from where they lie.
    """

    file: FileIO
    size: int
    seen: Seen | None = None

    def read(self) -> bytes:
        content = self.file.read(self.size)
        if self.seen:
            self.seen(content)
        return content

    def send(self, connection: socket.socket, went: Callable[[int], object] = unheeded) -> None:
        """`went` is told at once how many bytes went out, time and again; fewer in all if the file ends before.

        Raises OSError. TimeoutError: as the connection's timeout says.
        """
        left, most = self.size, self.size
        while (sent := self._send_some(connection, left, most)) != 0:
            went(sent or 0)
            left -= sent or 0
            if not left:
                return
            most = max(_LEAST, 2 * (sent or 0))
            wait_for_room(connection)

    def _send_some(self, connection: socket.socket, left: int, most: int) -> int | None:
        """How many bytes went: 0 at the end of the file, None if there was no room for any."""
        if self.seen:
            return self._send_seen(connection, self.seen, min(left, most))
        try:
            return os.sendfile(connection.fileno(), self.file.fileno(), None, left)
        except BlockingIOError:
            return None

    def _send_seen(self, connection: socket.socket, seen: Seen, most: int) -> int | None:
        """What finds no room is let go, and read again when there is some."""
        content = self.file.read(most)
        if not content:
            return 0
        try:
            sent = os.write(connection.fileno(), content)
        except BlockingIOError:
            sent = 0
        if sent < len(content):
            self.file.seek(sent - len(content), os.SEEK_CUR)
        seen(content if sent == len(content) else memoryview(content)[:sent])
        return sent or None


class _Passage:
    """A part of one file on its way: how far it came, and the CRC-32 of what went of a whole file."""

    def __init__(self, part: SourceSlice, source: BinaryIO) -> None:
        self._part, self._source, self._crc32 = part, source, 0
        self.position = part.start

    def read(self, most: int) -> bytes:
        """The next bytes; before the last ones are given, the whole is compared. Raises SourceChanged."""
        wanted = min(most, self._part.stop - self.position)
        last = self.position + wanted == self._part.size
        content = self._source.read(wanted + last)  # one byte more than there should be
        self.note(content)
        if not content or self.position >= self._part.size:
            require_end(self._part, self.position)
            self._require_content()
        return content

    def note(self, content: bytes | memoryview) -> None:
        self.position += len(content)
        if self._part.start == 0:
            self._crc32 = crc32_of(content, self._crc32)

    def _require_content(self) -> None:
        if self._part.start == 0 and self._crc32 != self._part.crc32:
            raise SourceChanged(f"{self._part.path!a} has other content than what was verified.")


def source_bytes(part: SourceSlice, open_source: OpenSource, piece: int = PIECE) -> Iterator[bytes]:
    """A part of one file, in pieces. The end of the file, and the CRC-32 of a whole one, are checked on the way.

    Raises SourceChanged, and what `open_source` and reading raise.
    """
    with open_source(part) as source:
        yield from _read(part, source, piece)


def file_pieces(part: SourceSlice, open_source: OpenSource, piece: int = PIECE) -> Iterator[bytes | FilePiece]:
    """As `source_bytes`, of a file on this machine in pieces that are not read yet. Raises as `source_bytes`."""
    with open_source(part) as source:
        if not isinstance(source, FileIO):
            yield from _read(part, source, piece)
        elif part.stop - part.start == part.size:
            yield from _whole(part, source, piece)
        else:
            yield from _unseen(part, source, piece)


def _read(part: SourceSlice, source: BinaryIO, piece: int) -> Iterator[bytes]:
    passage = _Passage(part, source)
    while passage.position < part.stop:
        yield passage.read(piece)


def _whole(part: SourceSlice, file: FileIO, piece: int) -> Iterator[bytes | FilePiece]:
    """Its first piece is read, to know that it can be; its last, to compare the whole before it is handed over."""
    passage = _Passage(part, file)
    if part.size:
        yield passage.read(piece)
    for _ in range(piece, part.size - piece, piece):
        expected = passage.position + piece
        yield FilePiece(file, piece, passage.note)
        if passage.position < expected:
            require_end(part, passage.position)
    while passage.position < part.size:
        yield passage.read(piece)


def _unseen(part: SourceSlice, file: FileIO, piece: int) -> Iterator[FilePiece]:
    """There is no CRC-32 to compare it with, so nothing need be read: the file's size is looked at before each."""
    for position in range(part.start, part.stop, piece):
        require_end(part, os.fstat(file.fileno()).st_size)
        yield FilePiece(file, min(piece, part.stop - position))
    require_end(part, part.size if file.tell() == part.stop else file.tell())


def require_end(part: SourceSlice, end: int) -> None:
    """That the file is as long as it was. Before the last piece goes out, so that a wrong one is never handed over
    whole. Raises SourceChanged."""
    if end < part.size:
        raise SourceChanged(f"{part.path!a} ends at byte {end} of {part.size}: it was cut since it was verified.")
    if end > part.size:
        raise SourceChanged(f"{part.path!a} has more than {part.size} bytes: it was written to since it was verified.")


def wait_for_room(connection: socket.socket) -> None:
    """Until it takes bytes, or is broken. Raises TimeoutError as the connection's timeout says."""
    seconds = connection.gettimeout()
    waiting = select.poll()
    waiting.register(connection, select.POLLOUT)
    if not waiting.poll(None if seconds is None else seconds * 1000):
        raise TimeoutError("The connection took nothing for too long.")
