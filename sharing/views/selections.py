"""Some of the files as a zip: choose them, then see what they are and by which address they can be fetched."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from dataplane.ziplayout import ZipLayout
from portal.models import Dataset
from sharing.access import admit
from sharing.gate.offers import zip_name
from sharing.gate.visits import START
from sharing.kit import kit_of_drive, kit_of_zip
from sharing.layouts import layout_of, selected
from sharing.models import Way
from sharing.selections import Selection, selection_of
from sharing.views.browsing import browse_files
from sharing.views.link_pages import link_view
from sharing.views.member import member_s_dataset

NAMED = 20  # files named on the page


@csrf_exempt  # what is posted changes nothing: it is answered with its address
@link_view("GET", "HEAD", "POST")
def link_selection(request: HttpRequest, token: str) -> HttpResponseBase:
    link = admit(request, token, timezone.now(), Way.ZIP)
    if request.method == "POST":
        return _to_its_address(request)
    selection = selection_of(request.GET)
    if selection is None:
        return redirect("link", token)
    zip_url = reverse("link_zip", args=[token, zip_name(link.dataset, selection)])
    locked = bool(link.password_hash)
    context = _context(link.dataset, selection, zip_url, locked=locked) | {
        "page": reverse("link", args=[token]),
        "link": link,
    }
    return render(request, "sharing/link_selection.html", context)


@require_safe
@login_required
def dataset_choose(request: HttpRequest, dataset_id: UUID) -> HttpResponseBase:
    """The files with a box beside each."""
    dataset = member_s_dataset(request, dataset_id)
    context = {
        "dataset": dataset,
        "page": reverse("dataset_choose", args=[dataset.pk]),
        "selection_page": reverse("dataset_selection", args=[dataset.pk]),
        "drive": kit_of_drive(dataset),
        **browse_files(request, dataset, partial(_file_address, dataset)),
    }
    return render(request, "sharing/choose.html", context)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def dataset_selection(request: HttpRequest, dataset_id: UUID) -> HttpResponseBase:
    dataset = member_s_dataset(request, dataset_id)
    if request.method == "POST":
        return _to_its_address(request)
    selection = selection_of(request.GET)
    if selection is None:
        return redirect("dataset_choose", dataset.pk)
    zip_url = reverse("dataset_zip", args=[dataset.pk, zip_name(dataset, selection)])
    context = _context(dataset, selection, zip_url) | {"page": reverse("dataset_choose", args=[dataset.pk])}
    return render(request, "sharing/dataset_selection.html", context)


def _to_its_address(request: HttpRequest) -> HttpResponseBase:
    """A form may hold more than an address can; then this says so. Raises Invalid."""
    selection = selection_of(request.POST)
    return redirect(f"{request.path}?{selection.query}" if selection else request.path)


def _context(dataset: Dataset, selection: Selection, zip_url: str, *, locked: bool = False) -> dict[str, Any]:
    layout = selected(dataset, layout_of(dataset), selection)
    address = f"{settings.PORTAL_URL}{zip_url}?{selection.query}"
    return {
        "dataset": dataset,
        "words": selection.words,
        "count": layout.file_count,
        "size": layout.facts.file_bytes,
        "names": _first_names(layout),
        "zip_url": f"{zip_url}?{selection.query}&{START}",
        "address": address,
        "kit": kit_of_zip(zip_name(dataset, selection), dataset.name, layout.manifest_path, address, lock=locked),
    }


def _first_names(layout: ZipLayout) -> list[str]:
    return [layout.path(index).decode() for index in range(min(NAMED, layout.file_count))]


def _file_address(dataset: Dataset, path: str) -> str:
    return reverse("dataset_file", args=[dataset.pk, path])
