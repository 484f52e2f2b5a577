"""Parts of a file that the kernel sends: the right bytes, none of a file that changed, no waiting for ever."""

import io
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from dataplane.filepieces import PIECE, FilePiece, SourceChanged, file_pieces
from dataplane.ziplayout import SourceSlice

SIZE = 5 * PIECE + 777
CONTENT = os.urandom(SIZE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "movie.mrc").write_bytes(CONTENT)
    return tmp_path / "movie.mrc"


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def pieces_of(path: Path, start: int, stop: int) -> Iterator[bytes | FilePiece]:
    return file_pieces(SourceSlice("movie.mrc", start, stop, SIZE, 0, b""), lambda part: opened(path, part))


def opened(path: Path, part: SourceSlice) -> BinaryIO:
    file = path.open("rb", buffering=0)
    file.seek(part.start)
    return file


def received(line: tuple[socket.socket, socket.socket], path: Path, start: int, stop: int) -> bytes:
    near, far = line
    got = bytearray()

    def receive() -> None:
        while len(got) < stop - start:
            got.extend(far.recv(1 << 16))

    reader = threading.Thread(target=receive)
    reader.start()
    near.settimeout(10)
    for piece in pieces_of(path, start, stop):
        assert isinstance(piece, FilePiece)
        piece.send(near)
    reader.join(10)
    return bytes(got)


@pytest.mark.parametrize(
    ("start", "stop"), [(1, SIZE), (PIECE, 3 * PIECE), (PIECE - 1, PIECE + 1), (SIZE - 1, SIZE), (777, 4 * PIECE)]
)
def test_what_is_sent_and_what_is_read_are_the_slice(
    path: Path, line: tuple[socket.socket, socket.socket], start: int, stop: int
) -> None:
    assert received(line, path, start, stop) == CONTENT[start:stop]
    read = [piece.read() for piece in pieces_of(path, start, stop) if isinstance(piece, FilePiece)]
    assert b"".join(read) == CONTENT[start:stop]


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, 100])
def test_nothing_goes_out_of_a_file_of_another_size(path: Path, size: int) -> None:
    os.truncate(path, size)
    with pytest.raises(SourceChanged):
        next(pieces_of(path, PIECE, SIZE))


def test_a_file_cut_while_its_last_piece_goes_is_noticed(path: Path, line: tuple[socket.socket, socket.socket]) -> None:
    near, _ = line
    pieces = pieces_of(path, SIZE - 1000, SIZE)
    piece = next(pieces)
    os.truncate(path, SIZE - 400)
    assert isinstance(piece, FilePiece)
    piece.send(near)
    with pytest.raises(SourceChanged, match="ends at byte"):
        next(pieces)


def test_a_silent_client_is_not_waited_for_longer_than_the_connection_says(
    path: Path, line: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = line
    near.settimeout(0.05)
    with path.open("rb", buffering=0) as file, pytest.raises(TimeoutError):
        FilePiece(file, SIZE).send(near)


def test_what_a_far_store_gives_comes_as_bytes() -> None:
    part = SourceSlice("movie.mrc", PIECE, SIZE, SIZE, 0, b"")
    pieces = list(file_pieces(part, lambda _: io.BytesIO(CONTENT[PIECE:])))
    assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == CONTENT[PIECE:]
