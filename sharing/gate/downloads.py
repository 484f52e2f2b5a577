"""Sends an offer over HTTP: ranges, headers, and a note of exactly what went out, however it ends.

Not by `sendfile`, which would be a little leaner: a generator knows to the piece how far it came when the client left,
and stops short of handing over a file that changed. While it runs it holds no database connection.
"""

import socket
from collections.abc import Iterator
from itertools import chain

import structlog
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header

from dataplane.errors import DataplaneError
from dataplane.ranges import Span, Unsatisfiable, if_range_holds, wanted_span
from dataplane.zipstream import PIECE
from portal.actors import Actor
from sharing import events
from sharing.errors import FileUnreadable
from sharing.gate.offers import Offer
from sharing.gate.visits import only_knocks, only_looks
from sharing.models import ShareLink
from sharing.services.recording import Delivery, begin_delivery, end_delivery

log = structlog.get_logger(__name__)

SLOWEST_PIECE = 60  # seconds; a client slower than 2 kB/s is cut off and may resume


def download(request: HttpRequest, offer: Offer, *, actor: Actor, link: ShareLink | None = None) -> HttpResponseBase:
    """The answer to a GET or HEAD of `offer`. Raises FileUnreadable when not even its first bytes can be read."""
    try:
        wanted = _wanted_span(request, offer)
    except Unsatisfiable:
        return _with_headers(HttpResponse(status=416), offer, None, {"Content-Range": f"bytes */{offer.total}"})
    span = wanted or (0, offer.total)
    if request.method == "HEAD":
        return _with_headers(HttpResponse(), offer, span, {})
    delivery = Delivery(
        dataset=offer.dataset,
        actor=actor,
        kind=offer.kind,
        subject=offer.subject,
        total=offer.total,
        span=span,
        link=link,
        file=offer.file,
        counted=not only_looks(request),
    )
    pieces = _started(offer, delivery)
    if not only_knocks(request, offer.total):
        pieces = _recorded(pieces, delivery)
    _limit_silence(request)
    status, extra = (206, {"Content-Range": f"bytes {span[0]}-{span[1] - 1}/{offer.total}"}) if wanted else (200, {})
    return _with_headers(StreamingHttpResponse(pieces, status=status), offer, span, extra)


def _wanted_span(request: HttpRequest, offer: Offer) -> Span | None:
    if request.method != "GET" or not if_range_holds(request.headers.get("If-Range"), offer.etag):
        return None
    return wanted_span(request.headers.get("Range"), offer.total)


def _with_headers(
    response: HttpResponseBase, offer: Offer, span: Span | None, extra: dict[str, str]
) -> HttpResponseBase:
    """What was uploaded is never rendered: it is an attachment, of the type we say, in a sandbox."""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": offer.etag,
        "Content-Type": offer.content_type,
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=offer.name) or "attachment",
        "Content-Length": str(span[1] - span[0]) if span else "0",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        **extra,
    }
    for name, value in headers.items():
        response[name] = value
    return response


def _started(offer: Offer, delivery: Delivery) -> Iterator[bytes]:
    """The bytes, the first piece of them read already: what cannot be read at all is refused with a sentence."""
    pieces = offer.pieces(*delivery.span)
    try:
        first = next(pieces, b"")
    except (DataplaneError, OSError) as error:
        _report_unreadable(delivery, error)
        raise FileUnreadable("Storage does not give this file as it was verified. The facility was told.") from error
    return chain([first], pieces) if first else iter(())


def _recorded(pieces: Iterator[bytes], delivery: Delivery) -> Iterator[bytes]:
    """Counts what the client's connection took; runs to its `finally` also when the client leaves."""
    start, stop = delivery.span
    sent = 0
    if stop - start > PIECE:
        begin_delivery(delivery=delivery, now=timezone.now())
        _release_connection()
    try:
        for piece in pieces:
            yield piece
            sent += len(piece)
    except (DataplaneError, OSError) as error:
        _report_unreadable(delivery, error)
        raise
    finally:
        _write_down(delivery, sent)


def _write_down(delivery: Delivery, sent: int) -> None:
    """The bytes have gone; if the database is away, the log must tell instead."""
    try:
        end_delivery(delivery=delivery, sent=sent, now=timezone.now())
    except DatabaseError as error:
        log.error(
            "download_not_recorded",
            dataset=delivery.dataset.name,
            subject=delivery.subject,
            actor=delivery.actor.label,
            start=delivery.span[0],
            sent=sent,
            error=str(error),
        )


def _report_unreadable(delivery: Delivery, error: Exception) -> None:
    log.error("stored_file_changed", dataset=delivery.dataset.name, subject=delivery.subject, error=str(error))
    with transaction.atomic():
        events.stored_file_changed(delivery.dataset, delivery.actor, subject=delivery.subject, reason=str(error)[:300])


def _release_connection() -> None:
    """A download may take hours and needs no database meanwhile."""
    if not connection.in_atomic_block:
        connection.close()


def _limit_silence(request: HttpRequest) -> None:
    """A dead peer frees its thread: each piece must go out within a minute. Other servers have no such socket."""
    connected = getattr(request, "environ", {}).get("gunicorn.socket")
    if isinstance(connected, socket.socket):
        connected.settimeout(SLOWEST_PIECE)
