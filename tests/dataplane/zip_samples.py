"""Small zips for the tests of the layout and the stream: files in memory, read as the portal reads its store."""

import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from dataplane.filepieces import PIECE, FilePiece, OpenSource
from dataplane.ziplayout import Entry, SourceSlice, ZipLayout
from dataplane.ziplayout_writer import LayoutWriter
from dataplane.zipstream import Opening, one_by_one, zip_pieces

SOME_DAY = 1_795_234_567  # 2026-11-21 06:56:07 UTC


def entry(path: str, content: bytes, mtime: int = SOME_DAY) -> Entry:
    return Entry(path, len(content), zlib.crc32(content), mtime, hashlib.sha256(content).hexdigest())


def laid_out(folder: str, entries: Iterable[Entry], *, revision: int = 1, manifest_time: int = 0) -> ZipLayout:
    with LayoutWriter(folder) as writer, io.BytesIO() as out:
        writer.add(entries)
        writer.finish(out, revision=revision, manifest_time=manifest_time)
        return ZipLayout(memoryview(out.getvalue()))


def layout_of(files: Mapping[str, bytes], folder: str = "Lysozyme", revision: int = 1) -> ZipLayout:
    return laid_out(folder, [entry(path, files[path]) for path in sorted(files)], revision=revision)


def source_of(files: Mapping[str, bytes]) -> OpenSource:
    def open_source(part: SourceSlice) -> BinaryIO:
        source = io.BytesIO(files[part.path])
        source.seek(part.start)
        return source

    return open_source


def zip_bytes(
    layout: ZipLayout,
    start: int,
    stop: int,
    open_source: OpenSource,
    piece: int = PIECE,
    opening: Opening = one_by_one,
) -> Iterator[bytes]:
    """The pieces, all of them read here."""
    for each in zip_pieces(layout, start, stop, open_source, piece, opening):
        yield each.read() if isinstance(each, FilePiece) else each


def whole_zip(files: Mapping[str, bytes], folder: str = "Lysozyme") -> bytes:
    layout = layout_of(files, folder)
    return b"".join(zip_bytes(layout, 0, layout.total, source_of(files)))
