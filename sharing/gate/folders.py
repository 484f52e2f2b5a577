"""A dataset as programs walk through it: folder by folder, each file with its size, its time and its ETag.

The list of checksums stands in the top folder beside the files: who fetches everything can check everything.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from dataplane.filetree import each_child, folder_range
from dataplane.ziplayout import ZipLayout
from portal.errors import NotFound
from portal.models import Dataset
from sharing.gate.offers import Offer, file_offer, manifest_offer
from sharing.layouts import layout_of


class FolderEntry(NamedTuple):
    """A file; or a folder, whose size is that of all below it (None: not counted) and whose tag is empty.

    `modified` is in seconds since 1970.
    """

    name: str
    is_folder: bool
    size: int | None
    modified: int
    etag: str


@dataclass(frozen=True, slots=True)
class Folder:
    """`path` stands below what `title` names; `entries` are by name, read one by one and as often as wanted."""

    title: str
    path: str
    modified: int | None
    entries: Callable[[], Iterable[FolderEntry]]


def place_in(dataset: Dataset, path: str) -> Folder | Offer:
    """What a program finds at `path`: the list of checksums and files are offers. A slash at its end asks for a folder.

    Raises NotFound. Cost: nothing that grows with the files once the layout is known.
    """
    layout, name = layout_of(dataset), path.removesuffix("/")
    if not path or (name and _is_folder(layout, name)):
        return Folder(dataset.title, name, _began(dataset), lambda: _entries(dataset, layout, name))
    if path.endswith("/"):
        raise NotFound("There is no such folder here. Begin at the top folder.")
    return manifest_offer(dataset) if name == layout.manifest_path else file_offer(dataset, name)


def _is_folder(layout: ZipLayout, path: str) -> bool:
    first, after = folder_range(layout, path)
    return first < after


def _entries(dataset: Dataset, layout: ZipLayout, folder: str) -> Iterator[FolderEntry]:
    """Memory: one of them. In the top folder the list of checksums comes last."""
    began = _began(dataset)
    for child, index in each_child(layout, folder):
        if child.is_folder:
            yield FolderEntry(child.name, True, child.size, began, "")
        else:
            entry = layout.entry(index)
            yield FolderEntry(child.name, False, entry.size, entry.mtime, f'"{entry.sha256}"')
    if not folder:
        yield FolderEntry(layout.manifest_path, False, layout.manifest.size, began, manifest_offer(dataset).etag)


def _began(dataset: Dataset) -> int:
    return int(dataset.created_at.timestamp())
