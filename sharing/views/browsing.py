"""The verified files of a dataset, folder by folder or by a part of their name, to be fetched or chosen."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from dataplane.filetree import Child, list_folder
from portal.errors import NotFound
from portal.models import Dataset
from sharing.layouts import layout_of
from sharing.selections import FILE, IN, Selection

ROWS = 200
SEARCHABLE = 20  # files; fewer are seen at a glance


def browse_files(request: HttpRequest, dataset: Dataset, address: Callable[[str], str]) -> dict[str, Any]:
    """A page of one folder, or of what was searched for; `address` is of a file by its path."""
    wanted = request.GET.get("find", "").replace("\0", "").strip()  # PostgreSQL refuses to search for a NUL
    if wanted:
        found, more = _search(dataset, wanted), None
        context: dict[str, Any] = {
            "find": wanted,
            "found_all": len(found) < ROWS,
            "find_query": Selection(name=wanted).query,
        }
    else:
        folder = request.GET.get("folder", "")
        listing = list_folder(layout_of(dataset), folder, after=request.GET.get("after", ""), limit=ROWS)
        if listing is None:
            raise NotFound("There is no such folder here. Go back to the list of all files.")
        found, more = listing.children, listing.after
        context = {"folder": folder, "folders": _way_to(folder), "listing": listing, "more": more}
    rows = [
        {
            "child": child,
            "url": "" if child.is_folder else address(child.path),
            "field": IN if child.is_folder else FILE,
        }
        for child in found
    ]
    return {**context, "rows": rows, "searchable": dataset.verified_count > SEARCHABLE}


def _search(dataset: Dataset, wanted: str) -> list[Child]:
    """Files whose path contains the text. Cost: one query over the dataset's rows."""
    rows = dataset.files.verified().filter(path__icontains=wanted[:200]).order_by("path")
    return [
        Child(path, path, is_folder=False, files=1, size=size) for path, size in rows.values_list("path", "size")[:ROWS]
    ]


def _way_to(folder: str) -> list[tuple[str, str]]:
    """Names and paths of the folders from the top down to this one."""
    parts = folder.split("/") if folder else []
    return [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]
