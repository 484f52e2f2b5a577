"""Bytes for whoever holds a link, and for members who may see the dataset."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import signed_in_actor
from portal.access_tokens import for_members
from portal.errors import NotFound
from portal.models import Dataset
from sharing.access import admit, recipient_actor
from sharing.gate.downloads import download
from sharing.gate.offers import Offer, file_offer, manifest_offer, zip_name, zip_offer
from sharing.gate.resumes import layout_for
from sharing.gate.visits import may_follow_blindly
from sharing.models import ShareLink, Way
from sharing.selections import selection_of
from sharing.views.link_pages import link_page
from sharing.views.member import member_s_dataset


@link_page
def link_zip(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Mails name this address for programs. What looks like a browser is shown the page, where a person clicks."""
    link = admit(request, token, timezone.now(), Way.ZIP)
    if may_follow_blindly(request):
        selection = selection_of(request.GET)
        return redirect(f"{reverse('link_selection', args=[token])}?{selection.query}" if selection else "link", token)
    offer = _named_zip(request, link.dataset, name, link)
    return download(request, offer, actor=recipient_actor(request, link), link=link)


@link_page
def link_file(request: HttpRequest, token: str, path: str) -> HttpResponseBase:
    return _to_recipient(request, token, Way.FILES, lambda dataset: file_offer(dataset, path))


@link_page
def link_manifest(request: HttpRequest, token: str) -> HttpResponseBase:
    return _to_recipient(request, token, None, manifest_offer)


@require_safe
@for_members
def dataset_zip(request: HttpRequest, dataset_id: UUID, name: str) -> HttpResponseBase:
    return _to_member(request, dataset_id, lambda dataset: _named_zip(request, dataset, name, None))


@require_safe
@for_members
def dataset_file(request: HttpRequest, dataset_id: UUID, path: str) -> HttpResponseBase:
    return _to_member(request, dataset_id, lambda dataset: file_offer(dataset, path))


@require_safe
@for_members
def dataset_manifest(request: HttpRequest, dataset_id: UUID) -> HttpResponseBase:
    return _to_member(request, dataset_id, manifest_offer)


def _to_recipient(
    request: HttpRequest, token: str, way: Way | None, offer: Callable[[Dataset], Offer]
) -> HttpResponseBase:
    link = admit(request, token, timezone.now(), way)
    return download(request, offer(link.dataset), actor=recipient_actor(request, link), link=link)


def _to_member(request: HttpRequest, dataset_id: UUID, offer: Callable[[Dataset], Offer]) -> HttpResponseBase:
    return download(request, offer(member_s_dataset(request, dataset_id)), actor=signed_in_actor(request))


def _named_zip(request: HttpRequest, dataset: Dataset, name: str, link: ShareLink | None) -> Offer:
    selection = selection_of(request.GET)
    if name != zip_name(dataset, selection):
        raise NotFound(
            "This address names no zip of this dataset. Check that it was copied whole, with all behind “?”."
        )
    layout = layout_for(request, dataset, selection, link, timezone.now())
    return zip_offer(dataset, layout, selection)
