"""Answers a GET or HEAD of an offer: preconditions, ranges, headers (RFC 9110 sections 13 to 15).

In the order of the RFC: `If-Match` (412), `If-None-Match` (304), then `Range` if `If-Range` holds (206, 416).
"""

import base64
import socket
import ssl
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header, http_date

from dataplane.byteranges import ByteRanges, content_range
from dataplane.ranges import Unsatisfiable, if_match_fails, if_none_match_fails, if_range_holds, wanted_spans
from dataplane.spans import Span
from portal.actors import Actor
from sharing.access import link_of_member
from sharing.errors import OnlyForPeople
from sharing.gate.offers import Offer
from sharing.gate.streams import Framed, counted, framed, recorded, started, whole
from sharing.gate.visits import only_knocks, only_looks
from sharing.models import ShareLink
from sharing.services.recording import Delivery

SLOWEST_PIECE = 60  # seconds; a client slower than 2 kB/s is cut off and may resume


def download(request: HttpRequest, offer: Offer, *, actor: Actor, link: ShareLink | None = None) -> HttpResponseBase:
    """The answer. Raises FileUnreadable when not even the first bytes can be read."""
    if if_match_fails(request.headers.get("If-Match"), offer.etag):
        return _answer(HttpResponse(status=412), offer, {"Content-Length": "0"})
    if if_none_match_fails(request.headers.get("If-None-Match"), offer.etag):
        return _answer(HttpResponse(status=304), offer, {"Content-Length": str(offer.total)})
    try:
        spans = _wanted_spans(request, offer)
    except Unsatisfiable:
        empty = {"Content-Length": "0", "Content-Range": f"bytes */{offer.total}"}
        return _answer(HttpResponse(status=416), offer, empty)
    if request.method == "HEAD":
        return _answer(HttpResponse(), offer, {"Content-Length": str(offer.total)})
    return _send(request, offer, spans, actor, link)


def _wanted_spans(request: HttpRequest, offer: Offer) -> list[Span] | None:
    if request.method != "GET" or not if_range_holds(request.headers.get("If-Range"), offer.etag):
        return None
    return wanted_spans(request.headers.get("Range"), offer.total)


def _send(
    request: HttpRequest, offer: Offer, spans: list[Span] | None, actor: Actor, link: ShareLink | None
) -> HttpResponseBase:
    delivery = Delivery(
        dataset=offer.dataset,
        actor=actor,
        kind=offer.kind,
        subject=offer.subject,
        total=offer.total,
        spans=tuple(spans or [(0, offer.total)]),
        revision=offer.revision,
        part=offer.part,
        link=link or link_of_member(offer.dataset, actor, timezone.now()),
        file=offer.file,
        counted=not only_looks(request),
    )
    _require_taker(delivery)
    body, headers = _body(offer, spans)
    body = started(body, delivery)
    connection = limit_silence(request)
    pieces = whole(body) if only_knocks(spans, offer.total) else recorded(body, delivery, connection)
    return _answer(StreamingHttpResponse(pieces, status=206 if spans else 200), offer, headers)


def _require_taker(delivery: Delivery) -> None:
    """Where downloads are limited, nobody gets bytes uncounted by the name of a mail filter. Raises OnlyForPeople."""
    if not delivery.counted and delivery.link is not None and delivery.link.most_downloads is not None:
        raise OnlyForPeople("Downloads of this link are counted, and previews and filters get none. Use a browser.")


def _body(offer: Offer, spans: list[Span] | None) -> tuple[Framed, dict[str, str]]:
    """What goes out, and the headers that describe it."""
    if spans is not None and len(spans) > 1:
        frame = ByteRanges(spans, offer.total, offer.content_type)
        headers = {"Content-Type": frame.content_type, "Content-Length": str(frame.length)}
        return framed(offer.pieces, spans, frame), headers
    start, stop = spans[0] if spans else (0, offer.total)
    headers = {"Content-Length": str(stop - start)}
    if spans:
        headers["Content-Range"] = content_range((start, stop), offer.total)
    return counted(offer.pieces(start, stop)), headers


def _answer(response: HttpResponseBase, offer: Offer, extra: Mapping[str, str]) -> HttpResponseBase:
    """What was uploaded is never rendered: it is an attachment, of the type we say, in a sandbox."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": offer.etag,
        "Content-Type": offer.content_type,
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=offer.name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        **_time(offer),
        **_digests(offer),
        **extra,
    }
    for name, value in headers.items():
        response[name] = value
    return response


def _time(offer: Offer) -> dict[str, str]:
    """So that files keep the time that they had at the instrument. About the bytes the tag alone says something."""
    return {} if offer.modified is None else {"Last-Modified": http_date(offer.modified)}


def _digests(offer: Offer) -> dict[str, str]:
    """Of the whole, whichever part is sent (RFC 9530); the older field for programs that know only that."""
    if offer.file is None:
        return {}
    sha256 = base64.b64encode(bytes.fromhex(offer.file.sha256)).decode()
    return {"Repr-Digest": f"sha-256=:{sha256}:", "Digest": f"sha-256={sha256}"}


def limit_silence(request: HttpRequest) -> socket.socket | None:
    """A dead peer frees its thread: each piece must go out within a minute. The socket, unless gunicorn encrypts what
    is written to it; other servers show none."""
    connected = getattr(request, "environ", {}).get("gunicorn.socket")
    if not isinstance(connected, socket.socket):
        return None
    connected.settimeout(SLOWEST_PIECE)
    return None if isinstance(connected, ssl.SSLSocket) else connected
