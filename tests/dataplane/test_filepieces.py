"""Parts of a file that the kernel sends: the right bytes, none of a file that changed, no waiting for ever."""

import io
import os
import socket
import threading
import zlib
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


def whole(path: Path, crc32: int = zlib.crc32(CONTENT)) -> Iterator[bytes | FilePiece]:
    return file_pieces(SourceSlice("movie.mrc", 0, SIZE, SIZE, crc32, b""), lambda part: opened(path, part))


def send_all(near: socket.socket, pieces: Iterator[bytes | FilePiece]) -> None:
    for piece in pieces:
        piece.send(near) if isinstance(piece, FilePiece) else near.sendall(piece)


@pytest.mark.parametrize("sipped", [1000, 1 << 20])
def test_of_a_whole_file_each_byte_goes_once_and_is_compared_however_little_room_there_is(
    path: Path, line: tuple[socket.socket, socket.socket], sipped: int
) -> None:
    near, far = line
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    near.settimeout(10)
    got = bytearray()

    def sip() -> None:
        while piece := far.recv(sipped):
            got.extend(piece)

    reader = threading.Thread(target=sip)
    reader.start()
    send_all(near, whole(path))
    near.shutdown(socket.SHUT_WR)
    reader.join(60)
    assert bytes(got) == CONTENT


@pytest.mark.parametrize("at", [0, PIECE + 1, 4 * PIECE, SIZE - 1])
def test_a_whole_file_with_other_content_is_never_handed_over_whole(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes([CONTENT[at] ^ 1]))
    sent = list[bytes]()
    with pytest.raises(SourceChanged, match="other content"):
        sent.extend(piece.read() if isinstance(piece, FilePiece) else piece for piece in whole(path))
    assert len(b"".join(sent)) <= SIZE - 777


def test_between_its_first_piece_and_its_last_a_whole_file_is_read_only_when_it_is_sent(path: Path) -> None:
    kinds = [type(piece) for piece in whole(path) if not isinstance(piece, FilePiece) or piece.read()]
    assert kinds == [bytes, *[FilePiece] * 4, bytes]


def test_of_a_file_that_is_cut_while_it_goes_the_rest_is_missed(
    path: Path, line: tuple[socket.socket, socket.socket]
) -> None:
    near, _ = line
    pieces = whole(path)
    next(pieces)
    piece = next(pieces)
    os.truncate(path, PIECE + 1000)
    assert isinstance(piece, FilePiece)
    piece.send(near)
    assert piece.file.tell() == PIECE + 1000
    with pytest.raises(SourceChanged, match="ends at byte"):
        next(pieces)
