"""The verified files of a dataset as programs are told of them, and those that they name again."""

from collections.abc import Callable

from portal.models import DataFile, Dataset
from sharing.schemas import NamedFilesIn, SharedFileOut, SharedFilesOut


def list_files(dataset: Dataset, cursor: str, limit: int, address: Callable[[str], str]) -> SharedFilesOut:
    """By path; `next` is the cursor of the following page, `address` that of a file by its path. Cost: one query."""
    files = dataset.files.verified().order_by("path")
    if cursor:
        files = files.filter(path__gt=cursor.replace("\0", ""))
    page = list(files[: limit + 1])
    last = page[limit - 1].path if len(page) > limit else None
    return SharedFilesOut(files=[SharedFileOut.of(file, address(file.path)) for file in page[:limit]], next=last)


def files_named(dataset: Dataset, named: NamedFilesIn) -> list[DataFile]:
    """Those of them that are there with this digest, each once, in the order of their names. Cost: one query."""
    digests = {file.path: file.sha256 for file in named.files}
    there = {
        file.path: file
        for file in dataset.files.verified().filter(path__in=digests)
        if file.sha256 == digests[file.path]
    }
    return [there[path] for path in digests if path in there]
