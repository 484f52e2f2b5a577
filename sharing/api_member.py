"""What a person's own programs do with a dataset that the person may see: list its files, fetch them, share it.

Single files are fetched at the addresses of the pages, below `/datasets/`, with the same access token.
"""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router

from portal.access import may_send, require
from portal.access_tokens import member_of, reader_of
from portal.api_member import acting, asking, dataset_of_member
from portal.errors import NotFound
from portal.models import Dataset
from sharing.api import TAR
from sharing.errors import DataDeleted
from sharing.file_lists import files_named, list_files
from sharing.gate.bundles import MOST_FILES, send_bundle
from sharing.models import ShareLink
from sharing.schemas import ContentOut, LinkOut, LinksOut, LinkWishIn, NamedFilesIn, SharedFilesOut
from sharing.services.by_hand import ShareWish, share_by_hand
from sharing.services.terms import Terms

router = Router(tags=["members"])


@router.get("/{dataset_id}/content", response=ContentOut, auth=reader_of)
def content(request: HttpRequest, dataset_id: UUID) -> ContentOut:
    """How much there is to fetch by now, and by which rules small files come together."""
    return ContentOut.of(_dataset(request, dataset_id))


@router.get("/{dataset_id}/content/files", response=SharedFilesOut, auth=reader_of)
def content_files(
    request: HttpRequest,
    response: HttpResponse,
    dataset_id: UUID,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FILES)] = MOST_FILES,
) -> SharedFilesOut:
    """The verified files by path. `next` is the cursor of the following page."""
    response["Cache-Control"] = "private, no-store"
    dataset = _dataset(request, dataset_id)
    return list_files(dataset, cursor, limit, lambda path: reverse("dataset_file", args=[dataset.pk, path]))


@router.post("/{dataset_id}/content/bundle", openapi_extra=TAR, auth=reader_of)
def content_bundle(request: HttpRequest, dataset_id: UUID, named: NamedFilesIn) -> StreamingHttpResponse:
    """Small files in one answer, in the order of their names here. Reading: any access token may."""
    dataset = _dataset(request, dataset_id)
    files = files_named(dataset, named)
    if not files:
        raise NotFound("None of these files is there as it was listed. Ask for the list again.")
    return send_bundle(request, dataset, files, acting(request))


@router.post("/{dataset_id}/links", response=LinksOut, auth=member_of)
def make_links(request: HttpRequest, dataset_id: UUID, wish: LinkWishIn) -> LinksOut:
    """A link and a mail for each recipient. The same `occasion` again makes nothing twice."""
    dataset, now = _dataset(request, dataset_id), timezone.now()
    require(may_send(asking(request), dataset.project), "a manager of the project to share it")
    lifetime = timedelta(days=wish.days) if wish.days else dataset.project.link_lifetime
    terms = Terms(wish.password, wish.most_downloads)
    asked = ShareWish(wish.recipients, now + lifetime, wish.occasion.hex, wish.message, terms)
    share_by_hand(dataset=dataset, wish=asked, actor=acting(request), now=now)
    links = ShareLink.objects.filter(dataset=dataset, occasion=f"hand:{wish.occasion.hex}").order_by("pk")
    return LinksOut(links=[LinkOut(recipient=link.recipient, expires_at=link.expires_at) for link in links])


def _dataset(request: HttpRequest, dataset_id: UUID) -> Dataset:
    """Raises NotFound, and DataDeleted when its files are gone."""
    dataset = dataset_of_member(request, dataset_id)
    if dataset.is_gone:
        raise DataDeleted("The files of this dataset were deleted; its description and history remain.")
    return dataset
