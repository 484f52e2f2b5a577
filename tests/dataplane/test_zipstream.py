import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from dataplane.filepieces import FilePiece, SourceChanged
from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import zip_pieces
from tests.dataplane.zip_samples import layout_of, source_of, whole_zip, zip_bytes

FILES = {"a.mrc": bytes(range(256)) * 100, "b.mrc": b"second"}


def _sent_before_it_broke(pieces: Iterator[bytes], error: type[Exception]) -> int:
    sent: list[bytes] = []
    with pytest.raises(error):
        sent.extend(pieces)
    return len(b"".join(sent))


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param(FILES["a.mrc"][:-1], id="shorter"),
        pytest.param(b"", id="empty"),
        pytest.param(FILES["a.mrc"] + b"x", id="longer"),
        pytest.param(b"\0" + FILES["a.mrc"][1:-1] + b"\0", id="other content"),
    ],
)
def test_a_file_that_is_not_what_was_verified_ends_the_stream(instead: bytes) -> None:
    layout = layout_of(FILES)
    pieces = zip_bytes(layout, 0, layout.total, source_of({**FILES, "a.mrc": instead}), piece=1024)
    assert _sent_before_it_broke(pieces, SourceChanged) < len(FILES["a.mrc"])


def test_a_file_that_grew_is_noticed_when_the_end_is_resumed() -> None:
    layout = layout_of(FILES)
    pieces = zip_bytes(layout, 5000, layout.total, source_of({**FILES, "a.mrc": FILES["a.mrc"] + b"x"}))
    assert _sent_before_it_broke(pieces, SourceChanged) == 0


def test_a_file_that_cannot_be_opened_ends_the_stream() -> None:
    def refuse(part: SourceSlice) -> BinaryIO:
        raise PermissionError(part.path)

    layout = layout_of(FILES)
    assert _sent_before_it_broke(zip_bytes(layout, 0, layout.total, refuse), PermissionError) == 0


class Dripping(io.BytesIO):
    """Gives three bytes at a time, as a raw file may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(3 if size is None or size < 0 else min(size, 3))


def test_a_source_that_drips_is_sent_whole() -> None:
    layout = layout_of(FILES)

    def open_source(part: SourceSlice) -> BinaryIO:
        source = Dripping(FILES[part.path])
        source.seek(part.start)
        return source

    assert b"".join(zip_bytes(layout, 0, layout.total, open_source)) == whole_zip(FILES)


def test_every_source_is_closed_even_when_the_client_leaves() -> None:
    opened: list[BinaryIO] = []

    def open_source(part: SourceSlice) -> BinaryIO:
        opened.append(source_of(FILES)(part))
        return opened[-1]

    layout = layout_of(FILES)
    pieces = zip_bytes(layout, 0, layout.total, open_source, piece=100)
    next(pieces), next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert len(opened) == 1
    assert opened[0].closed


def test_small_files_travel_in_large_pieces() -> None:
    files = {f"{number:04d}": b"x" * 100 for number in range(2000)}
    layout = layout_of(files)
    sizes = [len(piece) for piece in zip_bytes(layout, 0, layout.total, source_of(files), piece=64 * 1024)]
    assert all(64 * 1024 <= size < 640 * 1024 for size in sizes[:-1])


def test_a_large_file_in_a_zip_is_read_only_when_it_is_sent(tmp_path: Path) -> None:
    files = {"a.mrc": bytes(range(256)) * 40, "b": b"small"}
    (tmp_path / "a.mrc").write_bytes(files["a.mrc"])
    (tmp_path / "b").write_bytes(files["b"])

    def open_source(part: SourceSlice) -> BinaryIO:
        source = (tmp_path / part.path).open("rb", buffering=0)
        source.seek(part.start)
        return source

    layout, sent, later = layout_of(files), bytearray(), 0
    for piece in zip_pieces(layout, 0, layout.total, open_source, piece=1000):
        later += piece.size if isinstance(piece, FilePiece) else 0
        sent += piece.read() if isinstance(piece, FilePiece) else piece
    assert bytes(sent) == whole_zip(files)
    assert later == 9000  # all but the first piece and the last
