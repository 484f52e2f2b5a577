"""A part of one file, in pieces that need not come through this process: the kernel sends them from where they lie."""

import os
import select
import socket
from collections.abc import Iterator
from io import FileIO
from typing import NamedTuple

from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import PIECE, OpenSource, require_end, source_bytes


class FilePiece(NamedTuple):
    """`size` bytes of `file` from where it stands. To read or to send them moves it on, by less if it ends before."""

    file: FileIO
    size: int

    def read(self) -> bytes:
        return self.file.read(self.size)

    def send(self, connection: socket.socket) -> None:
        """Raises OSError; `file` then stands behind what went out. TimeoutError: as the connection's timeout says."""
        left = self.size
        while left:
            try:
                sent = os.sendfile(connection.fileno(), self.file.fileno(), None, left)
            except BlockingIOError:
                _wait_for_room(connection)
                continue
            if not sent:
                return
            left -= sent


def file_pieces(part: SourceSlice, open_source: OpenSource, piece: int = PIECE) -> Iterator[bytes | FilePiece]:
    """A part of one file, checked as `source_bytes` does.

    What starts behind the file's beginning has no CRC-32 to be compared with, so of a file on this machine nothing
    need be read: only its size is looked at before each piece. Raises as `source_bytes`.
    """
    if part.start == 0:
        yield from source_bytes(part, open_source, piece)
        return
    with open_source(part) as source:
        if not isinstance(source, FileIO):
            yield from source_bytes(part, lambda _: source, piece)
            return
        for position in range(part.start, part.stop, piece):
            require_end(part, os.fstat(source.fileno()).st_size)
            yield FilePiece(source, min(piece, part.stop - position))
        require_end(part, part.size if source.tell() == part.stop else source.tell())


def _wait_for_room(connection: socket.socket) -> None:
    seconds = connection.gettimeout()
    waiting = select.poll()
    waiting.register(connection, select.POLLOUT)
    if not waiting.poll(None if seconds is None else seconds * 1000):
        raise TimeoutError("The connection took nothing for too long.")
