"""What a sender says of a file, and whether its name fits beside those the dataset has."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from django.conf import settings

from dataplane.errors import PathRefused
from dataplane.names import normalise_path, path_key, shown
from portal.errors import Invalid
from portal.models import DataFile, Dataset
from portal.storage import longest_path
from uploads.models import DatasetFolder

_KEYS_A_QUERY = 500
_SUSPECTS = 20
Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class FileWish:
    """`path` is normalised; `sha256` is lower-case hex, or empty while it is not stated."""

    path: str
    size: int
    sent_path: str
    mtime_ns: int | None = None
    sha256: str = ""
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", key_of(self.path))


@dataclass(frozen=True, slots=True)
class RawWish:
    """As it arrives: nothing is checked but the types."""

    path: str
    size: int
    mtime_ns: int | None = None
    sha256: str = ""


def key_of(path: str) -> str:
    """`DataFile.path_key` of a path: SHA-256, hex, of its case-folded form."""
    return hashlib.sha256(path_key(path).encode()).hexdigest()


def checked_wishes(raw_wishes: Sequence[RawWish]) -> list[FileWish]:
    """All of them in order, or Invalid with one sentence for each bad one in `detail.files`."""
    wishes: list[FileWish] = []
    problems: list[tuple[str, str]] = []
    for raw in raw_wishes:
        try:
            wishes.append(checked_wish(raw))
        except (PathRefused, Invalid) as error:
            problems.append((raw.path, str(error)))
    _raise_problems(problems or list(repeated_names(wishes)))
    return wishes


def refuse_name_conflicts(dataset: Dataset, wishes: Sequence[FileWish], existing: dict[str, DataFile]) -> None:
    """Raise Invalid when `name_conflicts` finds any."""
    _raise_problems(name_conflicts(dataset, wishes, existing))


def name_conflicts(
    dataset: Dataset, wishes: Sequence[FileWish], existing: dict[str, DataFile]
) -> list[tuple[str, str]]:
    """Sent paths with a sentence: names that differ only by case from another, that a file and a folder want, or that
    are too long where the files will lie.

    `existing` has the dataset's files by key, those of `wishes` at least. Cost: none when all are known; else one
    query, one for each 500 folders, and at most 20 when names clash.
    """
    problems = list(_case_conflicts(wishes, existing))
    new = [wish for wish in wishes if wish.key not in existing]
    if new and not problems:
        problems = [
            *_too_long_for_the_store(dataset, new),
            *_files_where_folders_are_wanted(dataset, new),
            *_folders_where_files_are_wanted(dataset, new),
        ]
    return problems


def current_files(dataset: Dataset, keys: Sequence[str]) -> dict[str, DataFile]:
    """By key; locked until the transaction ends where there is one."""
    files = DataFile.objects.current().filter(dataset=dataset, path_key__in=keys)
    return {file.path_key: file for file in files}


def checked_wish(raw: RawWish) -> FileWish:
    """Raises PathRefused or Invalid with a sentence."""
    path = normalise_path(raw.path)
    if raw.size > settings.MAX_FILE_BYTES:
        raise Invalid(f"{shown(path)}: files can have at most {settings.MAX_FILE_BYTES} bytes here. Split it.")
    return FileWish(path, raw.size, raw.path, raw.mtime_ns, raw.sha256.lower())


def repeated_names(wishes: Sequence[FileWish]) -> Iterator[tuple[str, str]]:
    """Sent paths that clash with another of `wishes`, each with a sentence."""
    seen: dict[str, FileWish] = {}
    for wish in wishes:
        other = seen.setdefault(wish.key, wish)
        if other is not wish:
            yield wish.sent_path, f"{shown(wish.path)} and {shown(other.path)} are one name. Rename one of them."
    folders = {key_of(folder) for folder in _wanted_folders(wishes)}
    for key in folders & seen.keys():
        yield seen[key].sent_path, f"{shown(seen[key].path)} is a file and a folder here. Rename one of them."


def _case_conflicts(wishes: Sequence[FileWish], existing: dict[str, DataFile]) -> Iterator[tuple[str, str]]:
    for wish in wishes:
        file = existing.get(wish.key)
        if file and file.path != wish.path:
            known = f"{shown(wish.path)} differs only by case from {shown(file.path)}, which the dataset has."
            yield wish.sent_path, f"{known} Rename one of them."


def _too_long_for_the_store(dataset: Dataset, wishes: Sequence[FileWish]) -> Iterator[tuple[str, str]]:
    longest = longest_path(dataset)
    if longest is not None:
        for wish in wishes:
            if (size := len(wish.path.encode())) > longest:
                most = f"the storage of this project takes at most {longest} for a path in this dataset"
                yield wish.sent_path, f"{shown(wish.path)} has {size} bytes; {most}. Shorten folder or file names."


def _files_where_folders_are_wanted(dataset: Dataset, wishes: Sequence[FileWish]) -> Iterator[tuple[str, str]]:
    wanted = {key_of(folder): folder for folder in _wanted_folders(wishes)}
    for batch in _batches(list(wanted)):
        for file in DataFile.objects.current().filter(dataset=dataset, path_key__in=batch):
            problem = f"{shown(file.path)} is a file in this dataset, not a folder. Rename one of them."
            inside = f"{wanted[file.path_key]}/"
            yield from ((wish.sent_path, problem) for wish in wishes if wish.path.startswith(inside))


def _folders_where_files_are_wanted(dataset: Dataset, wishes: Sequence[FileWish]) -> Iterator[tuple[str, str]]:
    """A folder that was recorded may have lost its last file, so the few suspects are looked at one by one."""
    by_key = {wish.key: wish for wish in wishes}
    suspects = DatasetFolder.objects.filter(dataset=dataset, path_key__in=list(by_key))
    for key in suspects.values_list("path_key", flat=True)[:_SUSPECTS]:
        wish = by_key[key]
        inside = DataFile.objects.current().filter(dataset=dataset, path__istartswith=f"{wish.path}/")
        if inside.exists():
            yield wish.sent_path, f"{shown(wish.path)} is a folder in this dataset. Rename one of them."


def note_folders(dataset: Dataset, paths: Iterable[str]) -> None:
    """Remember which folders the files of `paths` lie in. Cost: nothing without folders, else one INSERT."""
    keys = {key_of(folder) for folder in {folder for path in paths for folder in _folders_of(path)}}
    DatasetFolder.objects.bulk_create(
        [DatasetFolder(dataset=dataset, path_key=key) for key in keys], ignore_conflicts=True, batch_size=_KEYS_A_QUERY
    )


def _wanted_folders(wishes: Iterable[FileWish]) -> dict[str, FileWish]:
    """Each folder once, with one of the files that lie in it."""
    return {folder: wish for wish in wishes for folder in _folders_of(wish.path)}


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _batches(rows: Sequence[Each]) -> Iterator[Sequence[Each]]:
    for start in range(0, len(rows), _KEYS_A_QUERY):
        yield rows[start : start + _KEYS_A_QUERY]


def _raise_problems(problems: list[tuple[str, str]]) -> None:
    if problems:
        listed = [{"path": path, "message": message} for path, message in problems]
        more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
        raise Invalid(problems[0][1] + more, files=listed)
