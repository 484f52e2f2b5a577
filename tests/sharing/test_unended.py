"""What a process that was killed had sent stands beside its sign of life; of the rest, whoever resumes shows it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from dataplane.filepieces import PIECE
from dataplane.lifesign import Lifesigns
from portal.models import AuditEvent
from sharing.models import Receipt, RunningRequest, ShareLink
from sharing.services.killed_servers import settle_dead_processes
from sharing.services.unended import forget_unended
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor, hang_up

pytestmark = pytest.mark.django_db
SIZE = 1 << 20


@pytest.fixture
def big(make_dataset: MakeDataset, make_link: MakeLink) -> Visitor:
    return Visitor(make_link(make_dataset({"big.mrc": bytes(range(256)) * 4096})))


Begin = Callable[..., Any]


@pytest.fixture
def begin(big: Visitor) -> Iterator[Begin]:
    """Requests that are answered until the test ends."""
    held = []

    def begin_one(**headers: str) -> Any:
        response: Any = big.client.get(f"{big.address}/files/big.mrc", headers=headers)
        response.pieces = iter(response.streaming_content)
        next(response.pieces)
        held.append(response)
        return response

    yield begin_one
    for response in held:
        hang_up(response)


def kill_all(*, telling: bool = False) -> None:
    """As if the processes that answer had died, and perhaps what they noted with them."""
    alive = RunningRequest.objects.values_list("process", flat=True)[0]
    dead = f"{alive.rpartition('.')[0]}.1-dead"
    if telling:
        shutil.copy(settings.LIFESIGNS_ROOT / alive, settings.LIFESIGNS_ROOT / dead)
    RunningRequest.objects.update(process=dead)


def receipt() -> Receipt:
    return Receipt.objects.get()


def test_what_a_killed_process_had_sent_counts_though_nobody_resumes(big: Visitor, begin: Begin) -> None:
    pieces = begin(range="bytes=1000-").pieces
    next(pieces)
    next(pieces)
    kill_all(telling=True)
    for _ in range(2):
        settle_dead_processes(now=timezone.now())
        assert (receipt().state, receipt().requests) == (Receipt.State.PARTIAL, 1)
        assert receipt().spans == [[1000, 1000 + 2 * PIECE]]
    assert big.state() == ShareLink.State.PARTIAL
    told = AuditEvent.objects.get(kind="downloaded")
    assert (told.bytes, told.complete, told.subject, told.actor) == (2 * PIECE, False, "big.mrc", big.link.recipient)
    assert Lifesigns(settings.LIFESIGNS_ROOT).dead() == []


@pytest.mark.parametrize(("goes_on_at", "known"), [(PIECE, SIZE), (PIECE + 5, SIZE), (2 * PIECE + 5, SIZE - PIECE - 5)])
def test_only_of_the_piece_under_way_is_it_not_known_whether_it_went(
    big: Visitor, begin: Begin, goes_on_at: int, known: int
) -> None:
    next(begin().pieces)
    kill_all(telling=True)
    big.get("/files/big.mrc", range=f"bytes={goes_on_at}-")
    assert receipt().bytes_sent == known
    assert (receipt().state == Receipt.State.COMPLETE) == (known == SIZE)


def test_what_a_killed_process_sent_counts_once_somebody_resumes_behind_it(big: Visitor, begin: Begin) -> None:
    begin()
    kill_all()
    big.get("/files/big.mrc", range="bytes=500000-")
    assert (receipt().state, receipt().spans) == (Receipt.State.COMPLETE, [[0, SIZE]])
    assert big.state() == ShareLink.State.COMPLETE


def test_of_several_connections_that_resume_in_one_range_the_first_place_counts(big: Visitor, begin: Begin) -> None:
    begin()
    kill_all()
    big.get("/files/big.mrc", range="bytes=800000-")
    assert receipt().state == Receipt.State.COMPLETE  # for all that anybody knows
    Receipt.objects.update(state=Receipt.State.PARTIAL, spans=[[800_000, SIZE]])
    big.get("/files/big.mrc", range="bytes=500000-599999")
    assert (receipt().state, receipt().bytes_sent) == (Receipt.State.PARTIAL, SIZE - 200_000)
    big.get("/files/big.mrc", range="bytes=600000-799999")
    assert (receipt().state, receipt().spans) == (Receipt.State.COMPLETE, [[0, SIZE]])


def test_also_when_what_was_left_is_small(big: Visitor, begin: Begin) -> None:
    begin()
    kill_all()
    big.get("/files/big.mrc", range=f"bytes={SIZE - 5}-")
    assert receipt().state == Receipt.State.COMPLETE


def test_of_several_ranges_those_before_the_resumed_one_were_sent(big: Visitor, begin: Begin) -> None:
    begin(range="bytes=900000-,0-499999,600000-699999")
    kill_all()
    big.get("/files/big.mrc", range="bytes=300000-899999")
    assert receipt().spans == [[0, SIZE]]


def test_a_request_that_is_still_answered_shows_nothing(big: Visitor, begin: Begin) -> None:
    running = begin()
    big.get("/files/big.mrc", range="bytes=500000-")
    assert receipt().spans == [[500_000, SIZE]]
    assert receipt().state == Receipt.State.STARTED
    assert big.state() == ShareLink.State.STARTED
    hang_up(running)
    assert receipt().state == Receipt.State.PARTIAL
    assert big.state() == ShareLink.State.PARTIAL


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-99999"])
def test_beginning_again_shows_nothing(big: Visitor, begin: Begin, asked: str) -> None:
    begin(range="bytes=0-799999")
    kill_all()
    big.get("/files/big.mrc", range=asked)
    assert receipt().requests == 1
    assert receipt().spans in ([[0, SIZE]], [[0, 100_000]])


def test_a_place_the_dead_one_was_not_sending_to_shows_nothing(big: Visitor, begin: Begin) -> None:
    begin(range="bytes=0-599999")
    kill_all()
    big.get("/files/big.mrc", range="bytes=700000-")
    assert receipt().spans == [[700_000, SIZE]]
    assert big.state() == ShareLink.State.PARTIAL


def test_rows_of_the_dead_are_forgotten_after_months(begin: Begin) -> None:
    begin()
    kill_all()
    forget_unended(timezone.now() + timedelta(days=59))
    assert RunningRequest.objects.count() == 1
    forget_unended(timezone.now() + timedelta(days=61))
    assert not RunningRequest.objects.exists()
