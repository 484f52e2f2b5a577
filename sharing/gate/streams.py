"""Sends the bytes of an offer and notes exactly what went out, however it ends.

Not by `sendfile`, which would be a little leaner: a generator knows to the piece how far it came when the client left,
and stops short of handing over a file that changed. While it runs it holds no database connection.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import structlog
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from dataplane.byteranges import ByteRanges
from dataplane.errors import DataplaneError
from dataplane.spans import Span, bytes_in
from dataplane.zipstream import PIECE
from portal.actors import Actor
from portal.models import Dataset
from sharing import events
from sharing.errors import FileUnreadable
from sharing.gate.sources import VersionGone, release_connection
from sharing.services.recording import Delivery, begin_delivery, end_delivery
from sharing.services.unended import Running

log = structlog.get_logger(__name__)

Framed = Iterator[tuple[bytes, int]]  # a piece of the answer's body, and how many bytes of the offer are in it


def framed(pieces: Callable[[int, int], Iterator[bytes]], spans: Sequence[Span], frame: ByteRanges) -> Framed:
    """Several ranges, each behind what announces it."""
    for span in spans:
        yield frame.before(span), 0
        for piece in pieces(*span):
            yield piece, len(piece)
    yield frame.end, 0


def started(body: Framed, delivery: Delivery) -> Framed:
    """The same, its first bytes read already: what cannot be read at all is refused with a sentence."""
    first: list[tuple[bytes, int]] = []
    try:
        for piece in body:
            first.append(piece)
            if piece[1]:
                break
    except (DataplaneError, OSError) as error:
        report_unreadable(delivery.dataset, delivery.actor, delivery.subject, error)
        raise FileUnreadable(excuse(error)) from error
    return chain(first, body)


def excuse(error: Exception) -> str:
    if isinstance(error, VersionGone):
        return "A newer version took the place of a file meanwhile. Begin the download again."
    return "Storage does not give this file as it was verified. The facility was told."


def whole(body: Framed) -> Iterator[bytes]:
    """Nobody is told."""
    return (piece for piece, _ in body)


def recorded(body: Framed, delivery: Delivery) -> Iterator[bytes]:
    """Counts what the client's connection took; to its end also when the client leaves.

    Raises LinkUsedUp here and now, while the answer can still be a sentence.
    """
    limited = delivery.link is not None and delivery.link.most_downloads is not None
    pieces = _recorded(body, delivery, limited=limited)
    if limited:
        next(pieces)
    return pieces


def _recorded(body: Framed, delivery: Delivery, *, limited: bool) -> Iterator[bytes]:
    """Of a limited link first an empty piece, when the download is known to be allowed."""
    sent, running, much = 0, None, bytes_in(delivery.spans) > PIECE
    if much or limited:
        running = begin_delivery(delivery=delivery, now=timezone.now())
    try:
        if limited:
            yield b""
        if much:
            release_connection()
        for piece, of_offer in body:
            if running:
                running.note(sent, sent + of_offer)
            yield piece
            sent += of_offer
        if running:
            running.note(sent, sent)
    except (DataplaneError, OSError) as error:
        report_unreadable(delivery.dataset, delivery.actor, delivery.subject, error)
        raise
    finally:
        _write_down(delivery, sent, running)


def _write_down(delivery: Delivery, sent: int, running: Running | None) -> None:
    """The bytes have gone; if the database is away, the log must tell instead."""
    try:
        end_delivery(delivery=delivery, sent=sent, now=timezone.now(), running=running)
    except DatabaseError as error:
        log.error(
            "download_not_recorded",
            dataset=delivery.dataset.name,
            subject=delivery.subject,
            actor=delivery.actor.label,
            spans=delivery.spans,
            sent=sent,
            error=str(error),
        )


def report_unreadable(dataset: Dataset, actor: Actor, subject: str, error: Exception) -> None:
    """Not when a newer version took a file's place: that is how it should be."""
    if isinstance(error, VersionGone):
        log.info("version_gone", dataset=dataset.name, subject=subject, reason=str(error))
        return
    log.error("stored_file_changed", dataset=dataset.name, subject=subject, error=str(error))
    with transaction.atomic():
        events.stored_file_changed(dataset, actor, subject=subject, reason=str(error)[:300])
