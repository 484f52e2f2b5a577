"""The zip layout of each dataset that is being looked at or fetched, kept in this process while there is room.

Making one reads every row of the dataset (a million: some seconds, 130 MB); with it at hand, pages, sizes and ranges
are arithmetic. A new revision replaces the old one; requests under way keep theirs.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import Lock
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Collate

from dataplane.ziplayout import Entry, ZipLayout
from portal.models import Dataset

MOST_FILES = 1_500_000  # of all layouts kept by one process; about 200 MB
_ROWS_AT_ONCE = 5000


class LayoutCache:
    """Least recently used goes first; the newest stays however large. Built once, however many ask at a time."""

    def __init__(self, most_files: int) -> None:
        self._most_files = most_files
        self._lock = Lock()
        self._kept: OrderedDict[UUID, tuple[int, ZipLayout]] = OrderedDict()
        self._building: dict[tuple[UUID, int], Lock] = {}

    def get(self, dataset_id: UUID, revision: int, build: Callable[[], tuple[ZipLayout, bool]]) -> ZipLayout:
        """The layout at `revision`; `build` makes it and says whether it may be kept."""
        with self._lock:
            if layout := self._find(dataset_id, revision):
                return layout
            turn = self._building.setdefault((dataset_id, revision), Lock())
        with turn:
            with self._lock:
                if layout := self._find(dataset_id, revision):
                    return layout
            try:
                layout, keep = build()
            finally:
                with self._lock:
                    self._building.pop((dataset_id, revision), None)
            if keep:
                self._keep(dataset_id, revision, layout)
            return layout

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()

    def _find(self, dataset_id: UUID, revision: int) -> ZipLayout | None:
        kept = self._kept.get(dataset_id)
        if kept is None or kept[0] != revision:
            return None
        self._kept.move_to_end(dataset_id)
        return kept[1]

    def _keep(self, dataset_id: UUID, revision: int, layout: ZipLayout) -> None:
        with self._lock:
            self._kept[dataset_id] = revision, layout
            self._kept.move_to_end(dataset_id)
            while len(self._kept) > 1 and sum(kept.file_count for _, kept in self._kept.values()) > self._most_files:
                self._kept.popitem(last=False)


LAYOUTS = LayoutCache(MOST_FILES)


def layout_of(dataset: Dataset) -> ZipLayout:
    """The zip of the verified files of `dataset`. Cost: nothing when known, otherwise two queries and every row."""
    return LAYOUTS.get(dataset.pk, dataset.revision, lambda: _build(dataset))


def _build(dataset: Dataset) -> tuple[ZipLayout, bool]:
    """Kept only if no file was verified meanwhile, so that a revision always stands for the same list."""
    made_at = int((dataset.released_at or dataset.created_at).timestamp())
    layout = ZipLayout(dataset.name, _entries(dataset, made_at), revision=str(dataset.revision), manifest_time=made_at)
    return layout, Dataset.objects.filter(pk=dataset.pk, revision=dataset.revision).exists()


def _entries(dataset: Dataset, unknown_time: int) -> Iterator[Entry]:
    """By UTF-8 bytes, whatever the database's own order of letters is."""
    by_bytes = Collate(F("path"), "C" if connection.vendor == "postgresql" else "BINARY")
    rows = dataset.files.verified().order_by(by_bytes).values_list("path", "size", "crc32", "mtime_ns", "sha256")
    for path, size, crc32, mtime_ns, sha256 in rows.iterator(chunk_size=_ROWS_AT_ONCE):
        mtime = unknown_time if mtime_ns is None else mtime_ns // 1_000_000_000
        yield Entry(path, size, crc32 or 0, mtime, sha256)
