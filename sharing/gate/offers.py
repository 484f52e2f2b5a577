"""What can be downloaded of a dataset, each with its exact size, its ETag and its bytes from any place to any other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataplane.filepieces import FilePiece, file_pieces
from dataplane.ziplayout import SourceSlice, ZipLayout
from dataplane.ziplayout_writer import MANIFEST_NAME
from dataplane.zipstream import zip_pieces
from portal.errors import NotFound
from portal.models import DataFile, Dataset
from sharing.gate.sources import opening_of, source_of
from sharing.layouts import layout_of
from sharing.models import Receipt
from sharing.selections import Selection

Pieces = Callable[[int, int], Iterator[bytes | FilePiece]]


@dataclass(frozen=True, slots=True)
class Offer:
    """`name` is what the recipient's computer calls it, `subject` what the audit does.

    `modified` (seconds since 1970) is for programs that keep times; None for what is made here.
    """

    dataset: Dataset
    kind: Receipt.Kind
    name: str
    subject: str
    total: int
    etag: str
    content_type: str
    pieces: Pieces
    revision: int
    part: str = ""
    file: DataFile | None = None
    modified: int | None = None


def zip_name(dataset: Dataset, selection: Selection | None) -> str:
    """What the zip is called, without its suffix: another selection is another file, so that no program mixes them."""
    return f"{dataset.name}-part-{selection.fingerprint}" if selection else dataset.name


def zip_offer(dataset: Dataset, layout: ZipLayout, selection: Selection | None = None) -> Offer:
    """All files that were verified at the layout's revision, or of them what is selected, as the layout has it."""
    open_source, opening = source_of(dataset, layout.revision), opening_of(dataset, layout.revision)
    name = f"{zip_name(dataset, selection)}.zip"
    return Offer(
        dataset=dataset,
        kind=Receipt.Kind.PART if selection else Receipt.Kind.ZIP,
        name=name,
        subject=selection.words if selection else name,
        total=layout.total,
        etag=layout.etag,
        content_type="application/zip",
        pieces=lambda start, stop: zip_pieces(layout, start, stop, open_source, opening=opening),
        revision=layout.revision,
        part=selection.fingerprint if selection else "",
    )


def manifest_offer(dataset: Dataset) -> Offer:
    """The checksums of all verified files, for `sha256sum -c`."""
    layout = layout_of(dataset)
    return Offer(
        dataset=dataset,
        kind=Receipt.Kind.MANIFEST,
        name=MANIFEST_NAME,
        subject=MANIFEST_NAME,
        total=layout.manifest.size,
        etag=f'"{layout.etag[1:-1]}-manifest"',
        content_type="text/plain; charset=utf-8",
        pieces=layout.manifest.pieces,
        revision=layout.revision,
        modified=int(dataset.created_at.timestamp()),
    )


def file_offer(dataset: Dataset, path: str) -> Offer:
    """One verified file. Raises NotFound. Never told to be an image or a page: a browser must not show it."""
    file = None if "\0" in path else dataset.files.verified().filter(path=path).first()  # PostgreSQL refuses a NUL
    if file is None:
        raise NotFound("There is no such file here. Look it up in the list.")
    open_source = source_of(dataset, dataset.revision)

    def pieces(start: int, stop: int) -> Iterator[bytes | FilePiece]:
        part = SourceSlice(file.path, start, stop, file.size, file.crc32 or 0, bytes.fromhex(file.sha256))
        return file_pieces(part, open_source)

    return Offer(
        dataset=dataset,
        kind=Receipt.Kind.FILE,
        name=path.rpartition("/")[2],
        subject=path,
        total=file.size,
        etag=f'"{file.sha256}"',
        content_type="application/octet-stream",
        pieces=pieces,
        revision=dataset.revision,
        file=file,
        modified=modified_at(dataset, file),
    )


def modified_at(dataset: Dataset, file: DataFile) -> int:
    """When the file was changed at the instrument; if nobody said so, when the dataset began. Seconds since 1970."""
    return file.mtime_ns // 1_000_000_000 if file.mtime_ns is not None else int(dataset.created_at.timestamp())
