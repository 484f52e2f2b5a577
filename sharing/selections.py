"""Some files of a dataset, named by an address: folders, single files, a part of the name.

The address says it all, in one canonical order, so that the same choice is the same zip for everybody who may fetch it.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from dataplane.filetree import folder_range
from dataplane.ziplayout import ZipLayout
from portal.errors import Invalid
from portal.templatetags.quantities import counted

IN, FILE, NAME = "in", "file", "name"
_LONGEST = 3500  # characters of the address; servers and mail programs take about 4 000


@dataclass(frozen=True, slots=True)
class Selection:
    """What lies in any of `folders`, and `files`; without both everything; of that, paths that contain `name`."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    name: str = ""

    @property
    def query(self) -> str:
        """As an address says it, after the `?`."""
        pairs = [(IN, folder) for folder in self.folders] + [(FILE, file) for file in self.files]
        return urlencode(pairs + [(NAME, self.name)] * bool(self.name))

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.query.encode()).hexdigest()[:16]

    @property
    def words(self) -> str:
        """For people: what was chosen."""
        parts = [*(f"all in {folder}" for folder in self.folders[:3]), *self.files[:3]]
        hidden = len(self.folders) + len(self.files) - len(parts)
        listed = ", ".join(parts) + (f" and {counted(hidden, 'more,more')}" if hidden else "")
        named = f"names with “{self.name}”" if self.name else ""
        return ": ".join(filter(None, (listed, named)))[:300]

    def entries(self, layout: ZipLayout) -> Iterator[int]:
        """Places of the files in the layout, in its order; what is not there is left out."""
        wanted = self.name.casefold()
        for first, after in self._ranges(layout):
            for index in range(first, after):
                if not wanted or wanted in layout.path(index).decode().casefold():
                    yield index

    def _ranges(self, layout: ZipLayout) -> list[tuple[int, int]]:
        if not self.folders and not self.files:
            return [(0, layout.file_count)]
        ranges = [folder_range(layout, folder) for folder in self.folders]
        return sorted(ranges + [_place(layout, file) for file in self.files])


def selection_of(query: QueryDict) -> Selection | None:
    """What an address selects; None when it selects nothing, which is everything. Raises Invalid.

    What is chosen twice, or lies in a folder that is chosen, is left out.
    """
    folders = _outermost(folder.strip("/") for folder in query.getlist(IN))
    files = sorted({file for file in query.getlist(FILE) if file and not _is_in(file, folders)})
    selection = Selection(tuple(folders), tuple(files), query.get(NAME, "").strip())
    if selection == Selection():
        return None
    if "\0" in selection.query or len(selection.query) > _LONGEST:
        raise Invalid(
            f"You chose {counted(len(files) + len(folders), 'name,names')}, more than an address can hold. "
            "Choose whole folders, or what the names have in common."
        )
    return selection


def _outermost(folders: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for folder in sorted(set(filter(None, folders)), key=lambda folder: folder.split("/")):
        if not _is_in(folder, kept):
            kept.append(folder)
    return kept


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _place(layout: ZipLayout, path: str) -> tuple[int, int]:
    """Empty when there is no such file."""
    name = path.encode()
    index = bisect_left(range(layout.file_count), name, key=layout.path)
    return index, index + (index < layout.file_count and layout.path(index) == name)
