"""Sends the bytes of an offer and notes exactly what went out, however it ends.

A generator knows to the piece how far it came when the client left, and stops short of handing over a file that
changed. It writes to the connection itself where there is one: the server behind WSGI has no way to let the kernel
send what need not be read, nor to read a piece only when there is room for it. While it runs it holds no database
connection.
"""

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import structlog
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from dataplane.byteranges import ByteRanges
from dataplane.errors import DataplaneError
from dataplane.filepieces import PIECE, FilePiece, wait_for_room
from dataplane.spans import Span, bytes_in
from portal.actors import Actor
from portal.models import Dataset
from sharing import events
from sharing.errors import FileUnreadable
from sharing.gate.sources import VersionGone, release_connection
from sharing.services.recording import Delivery, begin_delivery, end_delivery
from sharing.services.unended import Running

log = structlog.get_logger(__name__)

Given = TypeVar("Given")

Piece = bytes | FilePiece
Framed = Iterator[tuple[Piece, int]]  # a piece of the answer's body, and how many bytes of the offer are in it


class ClientGone(ConnectionError):
    """As gunicorn knows it, which says nothing in its log then."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "The client left.")


def framed(pieces: Callable[[int, int], Iterator[Piece]], spans: Sequence[Span], frame: ByteRanges) -> Framed:
    """Several ranges, each behind what announces it."""
    for span in spans:
        yield frame.before(span), 0
        yield from counted(pieces(*span))
    yield frame.end, 0


def counted(pieces: Iterator[Piece]) -> Framed:
    """Each is all of the offer. No generator: it would hold the last piece until it is asked for the next."""
    return map(_counted, pieces)


def _counted(piece: Piece) -> tuple[Piece, int]:
    return piece, piece.size if isinstance(piece, FilePiece) else len(piece)


def started(body: Framed, delivery: Delivery) -> Framed:
    """The same, its first bytes read already: what cannot be read at all is refused with a sentence."""
    first: list[tuple[Piece, int]] = []
    try:
        for piece in body:
            first.append(piece)
            if piece[1]:
                break
    except (DataplaneError, OSError) as error:
        report_unreadable(delivery.dataset, delivery.actor, delivery.subject, error)
        raise FileUnreadable(excuse(error)) from error
    return read_first(first, body)


def read_first(first: list[Given], rest: Iterator[Given]) -> Iterator[Given]:
    """`first`, which is let go as it is given, and then the rest."""
    while first:
        yield first.pop(0)
    yield from rest


def excuse(error: Exception) -> str:
    if isinstance(error, VersionGone):
        return "A newer version took the place of a file meanwhile. Begin the download again."
    return "Storage does not give this file as it was verified. The facility was told."


def whole(body: Framed) -> Iterator[bytes]:
    """Nobody is told."""
    return _Sending(None, None).pieces(body)


def recorded(body: Framed, delivery: Delivery, connection: socket.socket | None) -> Iterator[bytes]:
    """Counts what the client's connection took; to its end also when the client leaves.

    Raises LinkUsedUp here and now, while the answer can still be a sentence.
    """
    limited = delivery.link is not None and delivery.link.most_downloads is not None
    pieces = _recorded(body, delivery, connection, limited=limited)
    if limited:
        next(pieces)
    return pieces


def _recorded(body: Framed, delivery: Delivery, connection: socket.socket | None, *, limited: bool) -> Iterator[bytes]:
    """Of a limited link first an empty piece, when the download is known to be allowed."""
    running, much = None, bytes_in(delivery.spans) > PIECE
    if much or limited:
        running = begin_delivery(delivery=delivery, now=timezone.now())
    sending = _Sending(running, connection)
    try:
        if limited:
            yield b""
        if much:
            release_connection()
        yield from sending.pieces(body)
    except ClientGone:
        raise
    except (DataplaneError, OSError) as error:
        report_unreadable(delivery.dataset, delivery.actor, delivery.subject, error)
        raise
    finally:
        _write_down(delivery, sending.sent, running)


class _Sending:
    """An answer on its way: ``sent`` bytes of the offer went out, by the server's hand or the kernel's."""

    def __init__(self, running: Running | None, connection: socket.socket | None) -> None:
        self._running, self._connection, self.sent = running, connection, 0

    def pieces(self, body: Framed) -> Iterator[bytes]:
        """What the server shall send. Raises ClientGone, and what reading raises."""
        if self._connection:
            yield b""  # the answer's head goes first
            while self._send_next(body, self._connection):
                pass
        else:
            for piece, of_offer in body:
                self._note(self.sent + of_offer)
                yield piece.read() if isinstance(piece, FilePiece) else piece
                self.sent += of_offer
        self._note(self.sent)

    def _send_next(self, body: Framed, connection: socket.socket) -> bool:
        """False at the end. A piece is read when there is room for it: nobody holds one while waiting for a client."""
        with _Leaving():
            wait_for_room(connection)
        piece, of_offer = next(body, (None, 0))
        if piece is None:
            return False
        self._note(self.sent + of_offer)
        with _Leaving():
            if isinstance(piece, FilePiece):
                piece.send(connection, self._went)
            else:
                connection.sendall(piece)
                self._went(of_offer)
        return True

    def _went(self, count: int) -> None:
        self.sent += count

    def _note(self, at_most: int) -> None:
        if self._running:
            self._running.note(self.sent, at_most)


class _Leaving:
    """What a connection raises is that the client left. Raises ClientGone; OSError if it is the disk that fails."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError) and error.errno != errno.EIO:
            raise ClientGone from error


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
