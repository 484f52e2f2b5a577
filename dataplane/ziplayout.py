"""A zip as arithmetic: from the list of files follow its exact size, its ETag and the content of any byte range.

    <folder>/<path> ...            the files, stored, sorted by path
    <folder>/manifest-sha256.txt   for `cd <folder> && sha256sum -c manifest-sha256.txt`
    central directory, end records

Everything lies in one folder, so that a zip never spills over the place where it is opened. The manifest comes
last since its name must be one that no file has. A file costs its name and about 80 bytes of arrays.
"""

import hashlib
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, islice, pairwise
from typing import NamedTuple

from dataplane.manifest import Manifest
from dataplane.ziprecords import (
    LATEST_TIME,
    central_header,
    central_header_size,
    end_records,
    local_header,
    local_header_size,
)

MANIFEST_NAME = "manifest-sha256.txt"
_BATCH = 4096
_FORMAT = b"labcourier zip 1"  # part of the ETag: a change of the layout must change it
# Ingestion refuses far more (dataplane.names); these would leave the folder, or break the manifest or the headers.
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)|^[A-Za-z]:", re.MULTILINE)


class Entry(NamedTuple):
    """One verified file: path below the folder, bytes, CRC-32, modified (seconds since 1970), SHA-256 in hex."""

    path: str
    size: int
    crc32: int
    mtime: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """Bytes `start` to `stop` of a file that has `size` bytes in all."""

    path: str
    start: int
    stop: int
    size: int
    crc32: int


class ZipLayout:
    """The zip of `entries`, sorted by path (by code points, that is by UTF-8 bytes), in `folder`.

    `revision` is any text that changes when the content may have; with the entries it makes the ETag.
    Raises ValueError for an unsafe path, or paths that are not sorted or not unique.
    """

    def __init__(self, folder: str, entries: Iterable[Entry], *, revision: str = "", manifest_time: int = 0) -> None:
        _check_paths([folder])
        self._prefix = f"{folder}/".encode()
        self._sizes, self._crcs, self._mtimes = array("Q"), array("I"), array("I")
        self._starts, self._end = array("Q"), 0  # of each local header; of the last body
        self._central_starts, self._central_end = array("Q"), 0  # counted from the directory's own start
        self.manifest = Manifest()
        self._manifest_likes: set[str] = set()
        entries = iter(entries)
        last_path = ""
        while batch := list(islice(entries, _BATCH)):
            self._add_files(batch, last_path)
            last_path = batch[-1].path
        self.manifest_path = _free_name(self._manifest_likes)
        self._append(self.manifest_path.encode(), self.manifest.size, self.manifest.crc32, manifest_time)
        self._tail = end_records(len(self._sizes), self._end, self._central_end)
        self.total = self._end + self._central_end + len(self._tail)
        self.etag = f'"{self._digest(revision)}"'

    @property
    def file_count(self) -> int:
        """Files of the dataset; the manifest comes on top."""
        return len(self.manifest)

    def path(self, index: int) -> bytes:
        """Of the file at `index` in the order of paths, as UTF-8."""
        return self.manifest.name(index)

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

    def _add_files(self, batch: list[Entry], last_path: str) -> None:
        paths, sizes, crcs, mtimes, sha256s = zip(*batch, strict=True)
        _check_paths(paths)
        _check_order((last_path, *paths))
        names = [path.encode() for path in paths]
        self.manifest.add(names, sha256s)
        self._manifest_likes |= {path.casefold() for path in paths if path[:1] in "mM" and "/" not in path}
        for name, size, crc32, mtime in zip(names, sizes, crcs, mtimes, strict=True):
            self._append(name, size, crc32, mtime)

    def _append(self, name: bytes, size: int, crc32: int, mtime: int) -> None:
        name_size = len(self._prefix) + len(name)
        self._starts.append(self._end)
        self._central_starts.append(self._central_end)
        self._central_end += central_header_size(name_size, size, self._end)
        self._end += local_header_size(name_size, size) + size
        self._sizes.append(size)
        self._crcs.append(crc32)
        self._mtimes.append(min(max(mtime, 0), LATEST_TIME))

    def _name(self, index: int) -> bytes:
        return self.manifest.name(index) if index < self.file_count else self.manifest_path.encode()

    def _entry_segments(self, start: int, stop: int) -> Iterator[bytes | SourceSlice]:
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            name, size, crc32 = self._name(index), self._sizes[index], self._crcs[index]
            header = local_header(self._prefix + name, size, crc32, self._mtimes[index])
            if part := header[start - self._starts[index] : stop - self._starts[index]]:
                yield part
            body = self._starts[index] + len(header)
            first, after = max(0, start - body), min(size, stop - body)
            if first < after and index < self.file_count:
                yield SourceSlice(name.decode(), first, after, size, crc32)
            elif first < after:
                yield from self.manifest.pieces(first, after)
            start, index = max(start, body + size), index + 1

    def _central_segments(self, start: int, stop: int) -> Iterator[bytes]:
        """Headers of the central directory, by hundreds; offsets counted from its own start."""
        stop = min(stop, self._central_end)
        index = bisect_right(self._central_starts, start) - 1
        while start < stop:
            piece_start, after = self._central_starts[index], min(index + _BATCH, len(self._sizes))
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

    def _digest(self, revision: str) -> str:
        """Of everything the bytes follow from; the manifest stands for names and contents."""
        digest = hashlib.sha256(b"\0".join((_FORMAT, revision.encode(), self._prefix, self.manifest_path.encode())))
        for numbers in (self._sizes, self._crcs, self._mtimes):
            digest.update(numbers.tobytes())
        for run in self.manifest.runs():
            digest.update(run)
        return digest.hexdigest()[:40]


def _check_paths(paths: Iterable[str]) -> None:
    """One search over all of them: a newline between two paths cannot hide, since the count of lines would tell."""
    paths = list(paths)
    text = "\n".join(paths)
    found = _UNSAFE.search(text)
    if found or text.count("\n") != len(paths) - 1:
        bad = next(path for path in paths if "\n" in path or _UNSAFE.search(path))
        raise ValueError(f"{bad[:120]!a} must not enter a zip: it could leave its folder or break the manifest.")


def _check_order(paths: tuple[str, ...]) -> None:
    for before, path in pairwise(paths):
        if before >= path:
            raise ValueError(
                f"{path[:120]!a} follows {before[:120]!a}: paths must be sorted by UTF-8 bytes and unique."
            )


def _free_name(taken: set[str]) -> str:
    others = (f"manifest-sha256-{number}.txt" for number in count(2))
    return next(name for name in chain([MANIFEST_NAME], others) if name not in taken)
