"""The files of a dataset folder by folder: two queries a page, whatever the number of files and folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum, Value
from django.db.models.functions import StrIndex, Substr
from django.db.models.lookups import Exact, GreaterThan

from portal.errors import Invalid
from portal.models import DataFile

SIZE = 100
SHOWN_STATES = [state for state in DataFile.State if state != DataFile.State.SUPERSEDED]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with what lies in it at any depth."""

    name: str
    path: str
    file_count: int
    bytes: int
    verified_count: int
    corrupt_count: int

    @property
    def is_whole(self) -> bool:
        return self.verified_count == self.file_count


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a folder: its folders, then its files; ``next`` continues it, None at the end."""

    path: str
    folders: Sequence[Folder]
    files: Sequence[DataFile]
    next: str | None

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """Name and path of each folder on the way here."""
        parts = self.path.split("/") if self.path else []
        return [(name, "/".join(parts[: depth + 1])) for depth, name in enumerate(parts)]


def list_folder(dataset_id: UUID, path: str = "", cursor: str = "", size: int = SIZE) -> Listing:
    """One page of the folder ``path`` (no slash at its ends). Raises Invalid for a cursor that is none of ours.

    Two queries at most, each one walk over the dataset's index of paths.
    """
    kind, _, after = cursor.partition(":")
    if cursor and kind not in ("folder", "file"):
        raise Invalid("The address names no place in this folder. Open the folder from its beginning.")
    below = _Below(dataset_id, path)
    folders = [] if kind == "file" else below.folders(path, after, size + 1)
    if len(folders) > size:
        return Listing(path, folders[:size], [], f"folder:{folders[size - 1].name}")
    room = size - len(folders)
    files = list(below.direct(after if kind == "file" else "")[: room + 1])
    more = len(files) > room
    last = f"file:{files[room - 1].path}" if more and room else f"folder:{folders[-1].name}" if more else None
    return Listing(path, folders, files[:room], last)


def search_files(dataset_id: UUID, *, text: str = "", state: str = "", cursor: str = "", size: int = SIZE) -> Listing:
    """Files whose path contains ``text``, or in one state, from all folders in the order of their paths. One query."""
    files = DataFile.objects.current().filter(dataset=dataset_id, path__gt=cursor.removeprefix("file:"))
    if text:
        files = files.filter(path__icontains=text)
    if state:
        files = files.filter(state=state)
    found = list(files.order_by("path")[: size + 1])
    return Listing("", [], found[:size], f"file:{found[size - 1].path}" if len(found) > size else None)


class _Below:
    """Files anywhere below ``path``; ``rest`` is their path from there and ``slash`` the place of its first slash.

    Compared by substring, since LIKE ignores case on SQLite and folders that differ by case may stand side by side.
    """

    def __init__(self, dataset_id: UUID, path: str) -> None:
        prefix = f"{path}/" if path else ""
        self.rest = Substr("path", len(prefix) + 1)
        self.slash = StrIndex(self.rest, Value("/"))
        self.files: QuerySet[DataFile] = DataFile.objects.current().filter(dataset=dataset_id)
        if prefix:
            self.files = self.files.filter(Exact(Substr("path", 1, len(prefix)), prefix))

    def direct(self, after: str) -> QuerySet[DataFile]:
        return self.files.filter(Exact(self.slash, 0), path__gt=after).order_by("path")

    def folders(self, path: str, after: str, limit: int) -> list[Folder]:
        nested = self.files.filter(GreaterThan(self.slash, 0))
        named = nested.annotate(name=Substr(self.rest, 1, self.slash - 1)).filter(name__gt=after)
        grouped = (
            named.order_by()
            .values("name")
            .annotate(
                file_count=Count("pk"),
                bytes=Sum("size"),
                verified_count=Count("pk", filter=Q(state=DataFile.State.VERIFIED)),
                corrupt_count=Count("pk", filter=Q(state=DataFile.State.CORRUPT)),
            )
            .order_by("name")
        )
        return [Folder(path=f"{path}/{row['name']}".lstrip("/"), **row) for row in grouped[:limit]]
