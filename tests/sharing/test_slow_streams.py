"""Who waits for a slow client holds none of its bytes, and what went out is known however little the line takes."""

import socket
import ssl
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from portal.actors import Actor
from portal.models import AuditEvent, Dataset
from sharing.gate.downloads import SLOWEST_PIECE, limit_silence
from sharing.gate.streams import Piece, counted, read_first, recorded
from sharing.models import Receipt
from sharing.services.recording import Delivery

PIECE = 64 * 1024
COUNT = 200


class Held:
    """Something that is noticed when nobody holds it any more."""


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def delivery_of(dataset: Dataset) -> Delivery:
    return Delivery(
        dataset=dataset,
        actor=Actor("system", "portal", "the portal"),
        kind=Receipt.Kind.ZIP,
        subject="all.zip",
        total=COUNT * PIECE,
        spans=((0, COUNT * PIECE),),
        revision=1,
    )


def test_what_was_read_first_is_let_go_when_it_is_given() -> None:
    first = Held()
    alive = weakref.ref(first)
    given = read_first([first], iter([Held()]))
    del first
    next(given)
    assert alive() is None


@pytest.mark.django_db
def test_a_piece_is_read_only_when_the_line_has_room_and_all_that_went_is_in_the_audit(
    dataset: Dataset, line: tuple[socket.socket, socket.socket]
) -> None:
    near, far = line
    near.settimeout(0.2)  # of a silent client; as long as the line takes bytes it plays no part
    read = []

    def pieces() -> Iterator[Piece]:
        for number in range(COUNT):
            read.append(number)
            yield bytes(PIECE)

    with pytest.raises(ConnectionError):
        list(recorded(counted(pieces()), delivery_of(dataset), near))
    near.shutdown(socket.SHUT_WR)
    arrived = sum(iter(lambda: len(far.recv(1 << 20)), 0))
    told = AuditEvent.objects.get(kind="downloaded")
    assert told.bytes is not None
    assert len(read) * PIECE - arrived <= PIECE  # of a piece that found room in part the rest was waiting
    assert 0 <= arrived - told.bytes < PIECE


def test_nothing_is_written_past_a_server_that_encrypts() -> None:
    with (
        socket.socket() as plain,
        ssl.create_default_context().wrap_socket(socket.socket(), server_hostname="x") as tls,
    ):
        assert [limit_silence(asked_over(line)) for line in (plain, tls)] == [plain, None]
        assert plain.gettimeout() == tls.gettimeout() == SLOWEST_PIECE


def asked_over(line: socket.socket) -> HttpRequest:
    extra: dict[str, Any] = {"gunicorn.socket": line}
    return RequestFactory().get("/", **extra)
