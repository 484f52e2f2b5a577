"""What programs do with a share link: list its files, fetch small ones together, say what they have verified.

The address has the link's secret in it, as those of its pages do; single files have addresses below `/s/`.
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router

from portal.errors import Conflict, NotFound
from sharing.access import admit, find_link, recipient_actor
from sharing.file_lists import files_named, list_files
from sharing.gate.bundles import MOST_FILES, send_bundle
from sharing.kit import kit_of_link
from sharing.models import ShareLink, Way
from sharing.schemas import (
    CommandOut,
    KitOut,
    MoreTimeOut,
    NamedFilesIn,
    SharedFilesOut,
    SharedOut,
    VerifiedOut,
)
from sharing.services.bundled import note_verified
from sharing.services.more_time import ask_for_more_time

router = Router(tags=["share links"])
TAR = {
    "responses": {
        200: {
            "description": "An uncompressed tar, POSIX pax, of exactly known length. What changed since it was listed "
            "is left out. After a cut line ask again, without what arrived whole.",
            "content": {"application/x-tar": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


@router.get("/{token}", response=SharedOut)
def shared(request: HttpRequest, response: HttpResponse, token: str) -> SharedOut:
    """What the link opens, until when. Counts as nothing."""
    link = _link(request, token, response)
    return SharedOut.of(link.dataset, expires_at=link.expires_at)


@router.get("/{token}/files", response=SharedFilesOut)
def shared_files(
    request: HttpRequest,
    response: HttpResponse,
    token: str,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FILES)] = MOST_FILES,
) -> SharedFilesOut:
    """The verified files by path. `next` is the cursor of the following page. Counts as nothing. Cost: two queries."""
    link = _link(request, token, response)
    return list_files(link.dataset, cursor, limit, lambda path: reverse("link_file", args=[token, path]))


@router.get("/{token}/kit", response=KitOut)
def shared_kit(request: HttpRequest, response: HttpResponse, token: str) -> KitOut:
    """Commands that fetch what the link opens, to be pasted as they are; the best for large data first.

    Each goes on where it was when it is run again, and has beside it what checks every file that came.
    """
    commands = kit_of_link(_link(request, token, response), token).commands
    return KitOut(commands=[CommandOut.from_orm(command) for command in commands])


@router.post("/{token}/bundle", openapi_extra=TAR)
def shared_bundle(request: HttpRequest, token: str, named: NamedFilesIn) -> StreamingHttpResponse:
    """Small files in one answer, in the order of their names here; each counts as if it was fetched by itself."""
    link = _link(request, token, way=Way.FILES)
    files = files_named(link.dataset, named)
    if not files:
        raise NotFound("None of these files is there as it was listed. Ask for the list again.")
    return send_bundle(request, link.dataset, files, recipient_actor(request, link), link)


@router.post("/{token}/verified", response=VerifiedOut)
def shared_verified(request: HttpRequest, response: HttpResponse, token: str, named: NamedFilesIn) -> VerifiedOut:
    """Files that were fetched with this link, written down and read back with these digests. Repeat freely."""
    link = _link(request, token, response)
    digests = {file.path: file.sha256 for file in named.files}
    count = note_verified(link=link, digests=digests, actor=recipient_actor(request, link), now=timezone.now())
    link.refresh_from_db(fields=["state"])
    return VerifiedOut(verified=count, state=link.state)


@router.post("/{token}/more-time", response=MoreTimeOut)
def shared_more_time(request: HttpRequest, response: HttpResponse, token: str) -> MoreTimeOut:
    """Of a link that has ended: asks for more time, once however often it is called; perhaps it is given at once.

    `state`: granted, with the new end; waiting for somebody's answer, which comes by mail; refused, with `words`.
    """
    response["Cache-Control"] = "private, no-store"
    link, now = find_link(token), timezone.now()
    asked = ask_for_more_time(link=link, actor=recipient_actor(request, link), now=now)
    if asked is None:
        admit(request, token, now)
        raise Conflict("The link works, so there is no need for more time.", code="link_open")
    return MoreTimeOut(state=asked.state, until=asked.until, words=asked.words)


def _link(request: HttpRequest, token: str, response: HttpResponse | None = None, way: Way | None = None) -> ShareLink:
    if response is not None:
        response["Cache-Control"] = "private, no-store"
    return admit(request, token, timezone.now(), way)
