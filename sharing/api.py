"""What programs do with a share link: list its files, fetch small ones together, say what they have verified.

The address has the link's secret in it, as those of its pages do; single files have addresses below `/s/`.
"""

from typing import Annotated

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router

from portal.errors import NotFound
from portal.models import DataFile
from sharing.access import authorise, recipient_actor
from sharing.gate.bundles import MOST_BYTES, MOST_FILES, SMALL, send_bundle
from sharing.kit import kit_of_link
from sharing.layouts import layout_of
from sharing.models import ShareLink
from sharing.schemas import (
    BundleRulesOut,
    CommandOut,
    KitOut,
    NamedFilesIn,
    SharedFileOut,
    SharedFilesOut,
    SharedOut,
    VerifiedOut,
)
from sharing.services.bundled import note_verified

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
    dataset = (link := _link(token, response)).dataset
    return SharedOut(
        name=dataset.name,
        title=dataset.title,
        state=dataset.state,
        revision=dataset.revision,
        files=dataset.verified_count,
        bytes=dataset.bytes_verified,
        manifest_name=layout_of(dataset).manifest_path,
        expires_at=link.expires_at,
        server_time=timezone.now(),
        bundles=BundleRulesOut(max_bytes=MOST_BYTES, max_files=MOST_FILES, threshold=SMALL),
    )


@router.get("/{token}/files", response=SharedFilesOut)
def shared_files(
    request: HttpRequest,
    response: HttpResponse,
    token: str,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FILES)] = MOST_FILES,
) -> SharedFilesOut:
    """The verified files by path. `next` is the cursor of the following page. Counts as nothing. Cost: two queries."""
    link = _link(token, response)
    files = link.dataset.files.verified().order_by("path")
    if cursor:
        files = files.filter(path__gt=cursor.replace("\0", ""))
    page = list(files[: limit + 1])
    last = page[limit - 1].path if len(page) > limit else None
    return SharedFilesOut(files=[SharedFileOut.of(file, token) for file in page[:limit]], next=last)


@router.get("/{token}/kit", response=KitOut)
def shared_kit(request: HttpRequest, response: HttpResponse, token: str) -> KitOut:
    """Commands that fetch what the link opens, to be pasted as they are; the best for large data first.

    Each goes on where it was when it is run again, and has beside it what checks every file that came.
    """
    commands = kit_of_link(_link(token, response), token).commands
    return KitOut(commands=[CommandOut.from_orm(command) for command in commands])


@router.post("/{token}/bundle", openapi_extra=TAR)
def shared_bundle(request: HttpRequest, token: str, named: NamedFilesIn) -> StreamingHttpResponse:
    """Small files in one answer, in the order of their names here; each counts as if it was fetched by itself."""
    link = _link(token)
    files = _files_named(link, named)
    if not files:
        raise NotFound("None of these files is there as it was listed. Ask for the list again.")
    return send_bundle(request, link, files, recipient_actor(request, link))


@router.post("/{token}/verified", response=VerifiedOut)
def shared_verified(request: HttpRequest, response: HttpResponse, token: str, named: NamedFilesIn) -> VerifiedOut:
    """Files that were fetched with this link, written down and read back with these digests. Repeat freely."""
    link = _link(token, response)
    digests = {file.path: file.sha256 for file in named.files}
    count = note_verified(link=link, digests=digests, actor=recipient_actor(request, link), now=timezone.now())
    link.refresh_from_db(fields=["state"])
    return VerifiedOut(verified=count, state=link.state)


def _link(token: str, response: HttpResponse | None = None) -> ShareLink:
    if response is not None:
        response["Cache-Control"] = "private, no-store"
    return authorise(token, timezone.now())


def _files_named(link: ShareLink, named: NamedFilesIn) -> list[DataFile]:
    """Those of them that are there with this digest, each once, in the order of their names. Cost: one query."""
    digests = {file.path: file.sha256 for file in named.files}
    there = {
        file.path: file
        for file in link.dataset.files.verified().filter(path__in=digests)
        if file.sha256 == digests[file.path]
    }
    return [there[path] for path in digests if path in there]
