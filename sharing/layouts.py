"""The zip layout of each dataset that is looked at or fetched: made once for a revision, then read from its file.

Making one reads every row of the dataset (a million: some seconds); with it at hand, pages, sizes and ranges are
arithmetic, in every process.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Collate

from dataplane.layout_shelf import Key, LayoutShelf
from dataplane.ziplayout import Entry, ZipLayout
from dataplane.ziplayout_writer import LayoutWriter
from portal.errors import NotFound
from portal.models import Dataset
from sharing.selections import Selection

LARGE = 20_000  # files; making the layout of fewer takes less than half a second
UNUSED_FOR = timedelta(days=30)
_ROWS_AT_ONCE = 5000


def shelf() -> LayoutShelf:
    return _shelf_at(settings.LAYOUTS_ROOT)


@cache
def _shelf_at(root: Path) -> LayoutShelf:
    return LayoutShelf(root)


def layout_of(dataset: Dataset) -> ZipLayout:
    """The zip of the verified files of `dataset`, or of a later revision if files were verified meanwhile.

    Cost: nothing that grows with the files when known, otherwise one query and every row.
    """

    def write(out: IO[bytes], temporary: str | None) -> None:
        _write(dataset, out, temporary)

    return shelf().get(Key(dataset.pk.hex, dataset.revision), write, fits=lambda layout: _fits(layout, dataset))


def lay_out_ahead(dataset_id: UUID) -> None:
    """Before somebody asks, so that the first one need not wait. Without it that one does."""
    dataset = Dataset.objects.filter(pk=dataset_id, state=Dataset.State.RELEASED).first()
    if dataset is not None:
        layout_of(dataset)


def selected(dataset: Dataset, layout: ZipLayout, selection: Selection | None) -> ZipLayout:
    """The zip of what is selected of `layout`, which is one of `dataset`. Raises NotFound when that is nothing.

    Its manifest has a name of its own, so that several can be unpacked in one place. Cost: nothing that grows with the
    files when known; otherwise what is selected is gone through, with a name everything.
    """
    if selection is None:
        return layout

    def write(out: IO[bytes], temporary: str | None) -> None:
        name = f"manifest-sha256-part-{selection.fingerprint}.txt"
        with LayoutWriter(dataset.name, temporary=temporary, manifest_name=name) as writer:
            writer.add(map(layout.entry, selection.entries(layout)))
            writer.finish(out, revision=layout.revision, manifest_time=int(dataset.created_at.timestamp()))

    part = f"{selection.fingerprint}-{layout.etag[-9:-1]}"
    found = shelf().get(Key(dataset.pk.hex, layout.revision, part), write)
    if not found.file_count:
        raise NotFound("There is no file left of what this address names. Choose again from the list.")
    return found


def older_layout(dataset: Dataset, revision: int) -> ZipLayout | None:
    """The zip of an older revision, as long as it is known."""
    return shelf().find(Key(dataset.pk.hex, revision))


def forget_layouts(dataset: Dataset) -> None:
    """Its files are gone for good."""
    shelf().remove(dataset.pk.hex)


def sweep_layouts(now: datetime) -> int:
    """Gives up what nobody used for long, or there is no room for; the number."""
    return shelf().sweep(room=settings.LAYOUTS_ROOM, unused_since=(now - UNUSED_FOR).timestamp())


def _fits(layout: ZipLayout, dataset: Dataset) -> bool:
    """A database that was restored counts revisions from an older one on, perhaps with other files."""
    counted = dataset.verified_count, dataset.bytes_verified
    return (layout.file_count, layout.facts.file_bytes) == counted


def _write(dataset: Dataset, out: IO[bytes], temporary: str | None) -> None:
    made_at = int(dataset.created_at.timestamp())
    rows = _Rows(dataset, made_at)
    with LayoutWriter(dataset.name, temporary=temporary) as writer:
        writer.add(rows)
        writer.finish(out, revision=rows.revision, manifest_time=made_at)


class _Rows:
    """The verified files by UTF-8 bytes, whatever the database's own order of letters is; their revision.

    Each row brings the dataset's revision: one statement sees one state of the database, so it is that of all rows.
    """

    def __init__(self, dataset: Dataset, unknown_time: int) -> None:
        self.revision = dataset.revision
        self._unknown_time = unknown_time
        by_bytes = Collate(F("path"), "C" if connection.vendor == "postgresql" else "BINARY")
        self._rows = (
            dataset.files.verified()
            .order_by(by_bytes)
            .values_list("path", "size", "crc32", "mtime_ns", "sha256", "dataset__revision")
        )

    def __iter__(self) -> Iterator[Entry]:
        for path, size, crc32, mtime_ns, sha256, revision in self._rows.iterator(chunk_size=_ROWS_AT_ONCE):
            self.revision = revision
            mtime = self._unknown_time if mtime_ns is None else mtime_ns // 1_000_000_000
            yield Entry(path, size, crc32 or 0, mtime, sha256)
