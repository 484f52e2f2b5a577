"""The bytes of files as they were verified, also while a dataset still changes and for zips of older revisions.

A released dataset does not change, so its files are simply opened. Before, a newer version may take a file's place at
any time; then it is asked after opening whether what was opened was still the version of the layout. That holds,
since a version is superseded, for all to see, before its bytes are replaced.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import BinaryIO

from django.db import connection

from dataplane.errors import DataplaneError, NotStored
from dataplane.filepieces import OpenSource
from dataplane.readahead import ReadAhead
from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import Opened, Opening, Segment, one_by_one
from portal.models import DataFile, Dataset
from portal.older_versions import open_older
from portal.storage import open_verified, store_of

_CHANGING = (Dataset.State.OPEN, Dataset.State.CLOSED)
_REQUESTS_AHEAD, _ROOM_AHEAD = 32, 64 * 2**20  # of one process
_SLOW = 0.05  # seconds between two files; a client slower than this holds no database connection between them


class VersionGone(DataplaneError):
    """The version that the layout names is no longer kept: the download cannot go on, though nothing is wrong."""


def source_of(dataset: Dataset, revision: int) -> OpenSource:
    """Opens the files of `dataset` as they were at `revision`. They raise NotStored, VersionGone."""
    if dataset.state in _CHANGING or revision != dataset.revision:
        return _Changing(dataset).open
    return lambda part: _open(dataset, part)


def opening_of(dataset: Dataset, revision: int) -> Opening:
    """How many files one after the other are best opened: from a far store several are asked for at a time.

    Not while a dataset changes: between two files it is asked what has changed.
    """
    if dataset.state in _CHANGING or revision != dataset.revision:
        return one_by_one

    def opened(segments: Iterable[Segment], open_source: OpenSource) -> Opened:
        """The store is looked for when the first byte is wanted: what it raises is told as an unreadable file."""
        opening = _ahead if store_of(dataset).far else one_by_one
        return opening(segments, open_source)

    return opened


def _ahead(segments: Iterable[Segment], open_source: OpenSource) -> Opened:
    def open_in_thread(part: SourceSlice) -> BinaryIO:
        try:
            return open_source(part)
        finally:
            release_connection()

    return _read_ahead()(segments, open_in_thread)


@cache
def _read_ahead() -> ReadAhead:
    """Made when it is needed first: threads do not outlive a fork."""
    return ReadAhead(_REQUESTS_AHEAD, _ROOM_AHEAD)


def release_connection() -> None:
    """A download may take hours and needs no database meanwhile."""
    if not connection.in_atomic_block:
        connection.close()


class _Changing:
    """Cost: one query a file."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._asked_at = dataset, 0.0

    def open(self, part: SourceSlice) -> BinaryIO:
        stream = None
        with suppress(NotStored):  # its place may be empty when its successor was withdrawn
            stream = _open(self._dataset, part)
        file = self._version(part)
        if stream is not None:
            if file is not None and file.state == DataFile.State.VERIFIED:
                return stream
            stream.close()
        if file is None:
            raise VersionGone(f"{part.path!a} was replaced, and this version of it is no longer kept. Begin again.")
        return open_older(self._dataset, file, part.start)

    def _version(self, part: SourceSlice) -> DataFile | None:
        """The current one or one that is kept, with exactly this content."""
        same = self._dataset.files.filter(path=part.path, sha256=part.sha256.hex(), size=part.size)
        file = same.verified().first() or same.older_versions().order_by("-pk").first()
        now = time.monotonic()
        if now - self._asked_at > _SLOW:
            release_connection()
        self._asked_at = now
        return file


def _open(dataset: Dataset, part: SourceSlice) -> BinaryIO:
    """To its end if that is wanted, so that bytes behind it would be noticed."""
    return open_verified(dataset, part.path, part.start, part.stop if part.stop < part.size else None)
