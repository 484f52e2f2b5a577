"""The data of one's projects as a drive that can only be read: `/dav/<project>/<dataset>/<path>` (RFC 4918, class 1).

For people with an account, by a personal access token in place of the password. They see what the portal's pages show
them; what they fetch goes out by the same door and into the same audit as there.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from portal.access_tokens import person_of
from portal.actors import Actor
from portal.client_address import client_address
from sharing.gate.downloads import limit_silence
from sharing.gate.drive import place_on_drive
from sharing.gate.folders import Folder, FolderEntry
from sharing.gate.offers import Offer
from sharing.views.trees import answer_at
from sharing.webdav_xml import (
    BEGIN,
    CONTENT_TYPE,
    END,
    INFINITE_DEPTH,
    NotPropfind,
    Question,
    Resource,
    read_question,
    response_of,
)

METHODS = "OPTIONS, GET, HEAD, PROPFIND"
_AT_ONCE = 500  # resources of a piece
_HEARD_OUT = 64 * 2**20  # bytes of a file that somebody tries to put here


@csrf_exempt  # nothing can be changed here
def webdav(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Everything below `/dav/`."""
    if request.method == "OPTIONS":
        return HttpResponse(headers={"DAV": "1", "Allow": METHODS, "MS-Author-Via": "DAV"})
    if request.method not in METHODS.split(", "):
        _hear_out(request)
        return _refused(405, "This drive can only be read.", Allow=METHODS)
    person = person_of(request)
    if person is None:
        return _refused(
            401,
            "Sign in with your e-mail address and, as password, an access token from your account page.",
            **{"WWW-Authenticate": 'Basic realm="Labcourier", charset="UTF-8"'},
        )
    place = place_on_drive(person, path, settings.SITE_NAME)
    if request.method == "PROPFIND":
        return _describe(request, place, path)
    client = request.headers.get("User-Agent", "")[:200]
    return answer_at(request, place, actor=Actor.of_user(person, client_address(request), client))


def _describe(request: HttpRequest, place: Folder | Offer, path: str) -> HttpResponseBase:
    """The answer to a PROPFIND: what is there, with depth 1 also what lies in it."""
    depth = request.headers.get("Depth", "infinity")
    if depth not in ("0", "1"):
        return HttpResponse(INFINITE_DEPTH, status=403, content_type=CONTENT_TYPE)
    try:
        question = read_question(request.body)
    except NotPropfind as error:
        return _refused(400, str(error))
    href = reverse("webdav") + quote(path.rstrip("/"))
    limit_silence(request)
    body = _multistatus(_resources(place, href, below=depth == "1"), question)
    return StreamingHttpResponse(body, status=207, content_type=CONTENT_TYPE)


def _resources(place: Folder | Offer, href: str, *, below: bool) -> Iterator[Resource]:
    if isinstance(place, Offer):
        yield Resource(href, place.name, False, place.total, place.modified, place.etag, place.content_type)
        return
    href = f"{href.rstrip('/')}/"
    yield Resource(href, place.path.rpartition("/")[2] or place.title, True, None, place.modified, "")
    for entry in place.entries() if below else ():
        yield _in_folder(href, entry)


def _in_folder(href: str, entry: FolderEntry) -> Resource:
    address = href + quote(entry.name, safe="") + "/" * entry.is_folder
    return Resource(address, entry.name, entry.is_folder, entry.size, entry.modified, entry.etag)


def _multistatus(resources: Iterable[Resource], question: Question) -> Iterator[str]:
    yield BEGIN
    remaining = iter(resources)
    while some := list(islice(remaining, _AT_ONCE)):
        yield "".join(response_of(resource, question) for resource in some)
    yield END


def _hear_out(request: HttpRequest) -> None:
    """Most programs read no answer before they have sent all; to them a line closed meanwhile is a broken server."""
    limit_silence(request)
    heard = 0
    with suppress(UnreadablePostError):  # who has gone needs no answer
        while heard < _HEARD_OUT and (piece := request.read(2**16)):
            heard += len(piece)


def _refused(status: int, sentence: str, **headers: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
