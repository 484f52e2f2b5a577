"""Plain folders for programs that follow addresses (`rclone`, `wget -r`), readable in a browser too.

One page a folder, with relative addresses of what lies in it, all of it. Looking counts as nothing; the files are
those of `downloads`, and count as there.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from itertools import islice
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import escape_uri_path

from portal.actors import Actor
from portal.templatetags.quantities import size_text
from sharing.access import admit, recipient_actor
from sharing.gate.downloads import download, limit_silence
from sharing.gate.folders import Folder, FolderEntry, place_in
from sharing.gate.offers import Offer
from sharing.gate.visits import only_looks
from sharing.models import ShareLink, Way
from sharing.services.recording import note_opened
from sharing.views.link_pages import link_page

_ROWS_HERE = "<!-- what lies in it -->"
_AT_ONCE = 500  # rows of a piece


@link_page
def link_tree(request: HttpRequest, token: str, path: str = "") -> HttpResponseBase:
    """A folder if the address ends with a slash, otherwise a file."""
    now = timezone.now()
    link = admit(request, token, now, Way.FILES)
    place = place_in(link.dataset, path)
    if isinstance(place, Folder) and not only_looks(request):
        note_opened(link=link, now=now)
    actor = recipient_actor(request, link)
    return answer_at(request, place, actor=actor, link=link, page=reverse("link", args=[token]))


def answer_at(
    request: HttpRequest, place: Folder | Offer, *, actor: Actor, link: ShareLink | None = None, page: str = ""
) -> HttpResponseBase:
    """The file or the folder, for GET and HEAD; `page` is the address of one that is for people."""
    if isinstance(place, Offer):
        return _without_name(download(request, place, actor=actor, link=link))
    if not request.path.endswith("/"):
        return HttpResponseRedirect(f"{escape_uri_path(request.path)}/")
    if request.method == "HEAD":
        return HttpResponse()
    context = {"folder": place, "page": page, "rows": _ROWS_HERE}
    before, _, after = render_to_string("sharing/tree.html", context, request).partition(_ROWS_HERE)
    limit_silence(request)
    return StreamingHttpResponse(_pieces(before, place.entries(), after))


def _without_name(response: HttpResponseBase) -> HttpResponseBase:
    """The address ends with the name. rclone (1.75) takes one in this header for the whole path, and loses the file."""
    response["Content-Disposition"] = "attachment"
    return response


def _pieces(before: str, entries: Iterable[FolderEntry], after: str) -> Iterator[str]:
    yield before
    remaining = iter(entries)
    while some := list(islice(remaining, _AT_ONCE)):
        yield "".join(map(_row, some))
    yield after


def _row(entry: FolderEntry) -> str:
    """Names may hold anything, a colon or a question mark too: in the address nothing but letters stays as it is."""
    slash = "/" if entry.is_folder else ""
    size = "" if entry.size is None else size_text(entry.size)
    changed = "" if entry.is_folder else f"{datetime.fromtimestamp(entry.modified, UTC):%Y-%m-%d %H:%M:%S}"
    return (
        f'<tr><th scope="row"><a href="{quote(entry.name, safe="")}{slash}">{escape(entry.name)}{slash}</a></th>'
        f'<td class="figure">{size}</td><td class="figure">{changed}</td></tr>\n'
    )
