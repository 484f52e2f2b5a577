"""A zip as arithmetic: from the list of files follow its exact size, its ETag and the content of any byte range.

    <folder>/<path> ...            the files, stored, sorted by path
    <folder>/manifest-sha256.txt   for `cd <folder> && sha256sum -c manifest-sha256.txt`
    central directory, end records

Everything lies in one folder, so that a zip never spills over the place where it is opened. The manifest comes
last since its name must be one that no file has. The layout is a file of columns (`dataplane.ziplayout_writer` makes
it): about 70 bytes and its name for each file, of which only what a range needs is looked at.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from dataplane.columns import read_columns
from dataplane.manifest import Manifest
from dataplane.ziprecords import central_header, end_records, local_header

COLUMNS = {
    "sizes": "Q",
    "crcs": "I",
    "mtimes": "I",
    "starts": "Q",  # of local headers
    "central_starts": "Q",  # counted from the directory's own start
    "name_ends": "Q",
    "names": "B",
    "digests": "B",
}
_AT_ONCE = 4096


class Entry(NamedTuple):
    """One verified file: path below the folder, bytes, CRC-32, modified (seconds since 1970), SHA-256 in hex."""

    path: str
    size: int
    crc32: int
    mtime: int
    sha256: str


class Facts(NamedTuple):
    """What a layout says of itself. `revision` is the dataset's; `made_at` is seconds since 1970."""

    folder: str
    revision: int
    manifest_path: str
    etag: str
    end: int  # of the last body
    central_end: int
    file_bytes: int  # of all files together
    made_at: float


class SourceSlice(NamedTuple):
    """Bytes `start` to `stop` of a file that has `size` bytes in all."""

    path: str
    start: int
    stop: int
    size: int
    crc32: int
    sha256: bytes


class ZipLayout:
    """The zip that the columns in `content` describe, which must stay as they are. Cost: the same for any number.

    Raises BrokenColumns.
    """

    def __init__(self, content: memoryview) -> None:
        facts, columns = read_columns(content)
        self.facts = Facts(**facts)
        self._prefix = f"{self.facts.folder}/".encode()
        self._sizes, self._crcs, self._mtimes = columns["sizes"], columns["crcs"], columns["mtimes"]
        self._starts, self._central_starts = columns["starts"], columns["central_starts"]
        self._end, self._central_end = self.facts.end, self.facts.central_end
        self.manifest = Manifest(columns["name_ends"], columns["names"], columns["digests"])
        self.file_count = len(self.manifest)  # of the dataset; the manifest comes on top
        self._tail = end_records(len(self._sizes), self._end, self._central_end)
        self.total = self._end + self._central_end + len(self._tail)

    @property
    def etag(self) -> str:
        return self.facts.etag

    @property
    def revision(self) -> int:
        return self.facts.revision

    @property
    def manifest_path(self) -> str:
        """Of the manifest, below the folder."""
        return self.facts.manifest_path

    def path(self, index: int) -> bytes:
        """Of the file at `index` in the order of paths, as UTF-8."""
        return self.manifest.name(index)

    def entry(self, index: int) -> Entry:
        """The file at `index`, as it was given."""
        path, sha256 = self.manifest.name(index).decode(), self.manifest.sha256(index).hex()
        return Entry(path, self._sizes[index], self._crcs[index], self._mtimes[index], sha256)

    def holds(self, path: str, sha256: str) -> bool:
        """Whether the file at `path` with this content (hex) is in the zip."""
        name = path.encode()
        index = bisect_left(range(self.file_count), name, key=self.path)
        return index < self.file_count and self.path(index) == name and self.manifest.sha256(index).hex() == sha256

    def bytes_of(self, first: int, after: int) -> int:
        """Sizes of the files from `first` up to `after`, added up."""
        return sum(self._sizes[first:after])

    def segments(self, start: int, stop: int) -> Iterator[bytes | SourceSlice]:
        """What bytes `start` to `stop` of the zip are made of, in order. Raises ValueError outside of 0..total."""
        if not 0 <= start <= stop <= self.total:
            raise ValueError(f"The zip has {self.total} bytes; {start} to {stop} is no part of it.")
        yield from self._entry_segments(start, min(stop, self._end))
        yield from self._central_segments(max(0, start - self._end), stop - self._end)
        tail_start = self._end + self._central_end
        if stop > max(start, tail_start):
            yield self._tail[max(0, start - tail_start) : stop - tail_start]

    def _name(self, index: int) -> bytes:
        return self.manifest.name(index) if index < self.file_count else self.manifest_path.encode()

    def _entry_segments(self, start: int, stop: int) -> Iterator[bytes | SourceSlice]:
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            name, size, crc32 = self._name(index), self._sizes[index], self._crcs[index]
            header = local_header(self._prefix + name, size, crc32, self._mtimes[index])
            header_start = self._starts[index]
            if part := header[start - header_start : stop - header_start]:
                yield part
            body = header_start + len(header)
            first, after = max(0, start - body), min(size, stop - body)
            if first < after and index < self.file_count:
                yield SourceSlice(name.decode(), first, after, size, crc32, self.manifest.sha256(index))
            elif first < after:
                yield from self.manifest.pieces(first, after)
            start, index = max(start, body + size), index + 1

    def _central_segments(self, start: int, stop: int) -> Iterator[bytes]:
        """Headers of the central directory, by thousands; offsets counted from its own start."""
        stop = min(stop, self._central_end)
        index = bisect_right(self._central_starts, start) - 1
        while start < stop:
            piece_start, after = self._central_starts[index], min(index + _AT_ONCE, len(self._sizes))
            piece = b"".join(map(self._central_header, range(index, after)))
            yield piece[start - piece_start : stop - piece_start]
            start, index = piece_start + len(piece), after

    def _central_header(self, index: int) -> bytes:
        return central_header(
            self._prefix + self._name(index),
            self._sizes[index],
            self._crcs[index],
            self._mtimes[index],
            self._starts[index],
        )
