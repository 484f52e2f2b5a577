"""The page a recipient sees first, without an account: what it is, from whom, until when, and how to get it."""

import shlex
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from dataplane.filetree import Child, list_folder
from portal.errors import NotFound
from portal.models import Dataset
from sharing.access import authorise
from sharing.gate.visits import START, only_looks
from sharing.layouts import layout_of
from sharing.services.recording import note_opened
from sharing.views.link_pages import link_page
from sharing.wording import sender_of

ROWS = 200
SEARCHABLE = 20  # files; fewer are seen at a glance


@link_page
def landing(request: HttpRequest, token: str) -> HttpResponseBase:
    now = timezone.now()
    link = authorise(token, now)
    if not only_looks(request):
        note_opened(link=link, now=now)
    dataset, page = link.dataset, reverse("link", args=[token])
    zip_url = reverse("link_zip", args=[token, dataset.name])
    context = {
        "link": link,
        "dataset": dataset,
        "sender": sender_of(link),
        "keywords": [keyword.word for keyword in dataset.keywords.all()],
        "page": page,
        "zip_url": f"{zip_url}?{START}",
        "searchable": dataset.verified_count > SEARCHABLE,
        "manifest_url": reverse("link_manifest", args=[token]),
        "now": now,
        **_machine_kit(dataset, settings.PORTAL_URL + zip_url),
        **_files(request, token, dataset),
    }
    return render(request, "sharing/landing.html", context)


def _files(request: HttpRequest, token: str, dataset: Dataset) -> dict[str, Any]:
    """A page of one folder, or of what was searched for."""
    wanted = request.GET.get("find", "").replace("\0", "").strip()  # PostgreSQL refuses to search for a NUL
    if wanted:
        found, more = _search(dataset, wanted), None
        context: dict[str, Any] = {"find": wanted, "found_all": len(found) < ROWS}
    else:
        folder = request.GET.get("folder", "")
        listing = list_folder(layout_of(dataset), folder, after=request.GET.get("after", ""), limit=ROWS)
        if listing is None:
            raise NotFound("There is no such folder here. Go back to the list of all files.")
        found, more = listing.children, listing.after
        context = {"folder": folder, "folders": _way_to(folder), "listing": listing, "more": more}
    rows = [{"child": child, "url": _address(token, child)} for child in found]
    return {**context, "rows": rows}


def _search(dataset: Dataset, wanted: str) -> list[Child]:
    """Files whose path contains the text. Cost: one query over the dataset's rows."""
    rows = dataset.files.verified().filter(path__icontains=wanted[:200]).order_by("path")
    return [
        Child(path, path, is_folder=False, files=1, size=size) for path, size in rows.values_list("path", "size")[:ROWS]
    ]


def _address(token: str, child: Child) -> str:
    return "" if child.is_folder else reverse("link_file", args=[token, child.path])


def _way_to(folder: str) -> list[tuple[str, str]]:
    """Names and paths of the folders from the top down to this one."""
    parts = folder.split("/") if folder else []
    return [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]


def _machine_kit(dataset: Dataset, address: str) -> dict[str, list[dict[str, str]]]:
    """Commands that can be pasted as they are; each goes on where it was when it is run again."""
    url, name = shlex.quote(address), shlex.quote(dataset.name)
    check = f"unzip {name}.zip && cd {name} && sha256sum -c {shlex.quote(layout_of(dataset).manifest_path)}"
    return {
        "kit": [
            {"id": "kit-wget", "name": "wget", "text": f"wget -c {url}"},
            {"id": "kit-curl", "name": "curl", "text": f"curl -f -C - -O {url}"},
            {"id": "kit-check", "name": "Check every file afterwards", "text": check},
        ],
        "more_kit": [
            {"id": "kit-aria2", "name": "aria2, four connections at once", "text": f"aria2c -c -x 4 {url}"},
            {
                "id": "kit-rclone",
                "name": "rclone, straight to storage of yours called “remote”",
                "text": f"rclone copyurl {url} remote:{name}.zip",
            },
        ],
    }
