"""Lays out a zip: reads the list of files once, as a stream, and writes the columns that `ZipLayout` reads.

Memory stays flat; the columns wait in temporary files until the last file is known.
"""

import hashlib
import re
import time
from array import array
from collections.abc import Iterable
from itertools import accumulate, chain, count, islice, pairwise
from types import TracebackType
from typing import IO, Self

from zlib_ng.zlib_ng import crc32

from dataplane.columns import ColumnWriter
from dataplane.manifest import lines, size_of
from dataplane.ziplayout import COLUMNS, Entry, Facts
from dataplane.ziprecords import LATEST_TIME, central_header_size, local_header_size

MANIFEST_NAME = "manifest-sha256.txt"
_BATCH = 4096
_FORMAT = b"labcourier zip 2"  # part of the ETag: a change of the layout must change it
# Ingestion refuses far more (dataplane.names); these would leave the folder, or break the manifest or the headers.
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)|^[A-Za-z]:", re.MULTILINE)
_SHA256 = re.compile("[0-9a-fA-F]{64}")


class LayoutWriter:
    """The zip of entries, sorted by path (by code points, that is by UTF-8 bytes), in `folder`. A context manager.

    `temporary` is a folder for what waits until the end; without one it waits in memory. The manifest is called
    `manifest_name` unless a file is.
    """

    def __init__(self, folder: str, *, temporary: str | None = None, manifest_name: str = MANIFEST_NAME) -> None:
        _check_paths([folder])
        self._folder, self._manifest_name = folder, manifest_name
        self._prefix_size = len(folder.encode()) + 1
        self._columns = ColumnWriter(COLUMNS, temporary)
        self._digest = hashlib.sha256(b"\0".join((_FORMAT, folder.encode(), b"")))
        self._end = self._central_end = self._name_bytes = self._count = self._file_bytes = self._manifest_crc = 0
        self._manifest_likes: set[str] = set()
        self._last_path = ""

    def __enter__(self) -> Self:
        self._columns.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._columns.__exit__(kind, error, at)

    def add(self, entries: Iterable[Entry]) -> None:
        """Raises ValueError for an unsafe path, a digest that is none, paths that are not sorted or not unique."""
        entries = iter(entries)
        while batch := list(islice(entries, _BATCH)):
            paths, sizes, crcs, mtimes, sha256s = zip(*batch, strict=True)
            _check_paths(paths)
            _check_order((self._last_path, *paths))
            names = [path.encode() for path in paths]
            self._add_to_manifest(names, _digests(sha256s))
            self._manifest_likes |= {path.casefold() for path in paths if path[:1] in "mM" and "/" not in path}
            self._add_numbers(list(map(len, names)), sizes, crcs, [min(max(mtime, 0), LATEST_TIME) for mtime in mtimes])
            self._count, self._file_bytes = self._count + len(names), self._file_bytes + sum(sizes)
            self._last_path = paths[-1]

    def finish(self, out: IO[bytes], *, revision: int, manifest_time: int) -> None:
        """Writes the layout; the manifest's own time is in seconds since 1970.

        `revision` goes into the ETag: it is how the zip of an old revision is found again.
        """
        manifest_path = _free_name(self._manifest_name, self._manifest_likes)
        size = size_of(self._count, self._name_bytes)
        self._add_numbers([len(manifest_path)], (size,), (self._manifest_crc,), [manifest_time])
        self._digest.update(f"{self._count} {manifest_path} {revision}".encode())
        facts = Facts(
            folder=self._folder,
            revision=revision,
            manifest_path=manifest_path,
            etag=f'"{revision}-{self._digest.hexdigest()[:40]}"',
            end=self._end,
            central_end=self._central_end,
            file_bytes=self._file_bytes,
            made_at=time.time(),
        )
        self._columns.write(out, facts._asdict())

    def _add_to_manifest(self, names: list[bytes], digests: bytes) -> None:
        """It stands for names and contents in the ETag."""
        self._manifest_crc = crc32(lines(names, digests), self._manifest_crc)
        ends = array("Q", accumulate(map(len, names), initial=self._name_bytes))[1:]
        self._name_bytes = ends[-1]
        for column, values in (("name_ends", ends.tobytes()), ("names", b"".join(names)), ("digests", digests)):
            self._columns.add(column, values)
            self._digest.update(values)

    def _add_numbers(
        self, name_sizes: list[int], sizes: tuple[int, ...], crcs: tuple[int, ...], mtimes: list[int]
    ) -> None:
        starts, central_starts = array("Q"), array("Q")
        for name_size, size in zip(name_sizes, sizes, strict=True):
            starts.append(self._end)
            central_starts.append(self._central_end)
            self._central_end += central_header_size(self._prefix_size + name_size, size, self._end)
            self._end += local_header_size(self._prefix_size + name_size, size) + size
        self._columns.add("starts", starts.tobytes())
        self._columns.add("central_starts", central_starts.tobytes())
        for name, values in (("sizes", array("Q", sizes)), ("crcs", array("I", crcs)), ("mtimes", array("I", mtimes))):
            self._columns.add(name, values.tobytes())
            self._digest.update(values.tobytes())


def _digests(sha256s: Iterable[str]) -> bytes:
    sha256s = list(sha256s)
    if bad := next((sha256 for sha256 in sha256s if not _SHA256.fullmatch(sha256)), None):
        raise ValueError(f"{bad[:70]!a} is no SHA-256, which has 64 hex digits. Give verified files only.")
    return bytes.fromhex("".join(sha256s))


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


def _free_name(wished: str, taken: set[str]) -> str:
    stem, _, suffix = wished.rpartition(".")
    others = (f"{stem}-{number}.{suffix}" for number in count(2))
    return next(name for name in chain([wished], others) if name.casefold() not in taken)
