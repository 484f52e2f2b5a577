"""Requests that are being answered, and those whose process died before it could say what it had sent.

A process that is killed leaves its rows, and beside its sign of life how far each had come: all but the piece that was
under way. Of that one nobody knows how much went out, but whoever resumes shows it: a request for the bytes from N on,
where the dead one was sending from before N to behind it, has what lies before N. Several connections may resume in
one such range; the first of their places counts, so what they show is kept apart until all is complete.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import transaction

from dataplane.lifesign import Lifesigns, Place
from dataplane.spans import Span, first_bytes, without_first
from sharing.models import Receipt, RunningRequest, ShareLink

log = structlog.get_logger(__name__)

RESUMED = ""  # instead of a process: it died, and the row's spans are what it had sent
_FORGOTTEN_AFTER = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Running:
    """A request that is being answered; without a place nobody will know how far it came."""

    row: int
    place: Place | None

    def note(self, sent: int, at_most: int) -> None:
        """So many bytes went out, and those up to `at_most` are about to. Cost: no system call."""
        if self.place:
            self.place.note(sent, at_most)


def note_running(receipt: Receipt, spans: Sequence[Span], now: datetime) -> Running | None:
    """None when this process cannot give a sign of life, as on a full disk."""
    try:
        process, place = _lifesigns().own(), _lifesigns().follow()
    except OSError as error:
        log.warning("no_sign_of_life", error=str(error))
        return None
    number = place.number if place else None
    row = RunningRequest.objects.create(receipt=receipt, spans=spans, process=process, place=number, began_at=now)
    return Running(row.pk, place)


def end_running(running: Running | None) -> None:
    """Its place is free once the row is gone for all to see."""
    if running is not None:
        RunningRequest.objects.filter(pk=running.row).delete()
        if running.place:
            transaction.on_commit(running.place.give_back)


def are_running(link: ShareLink, receipt: Receipt) -> tuple[bool, bool]:
    """Whether any request is being answered for the link, and for this receipt of it. Cost: one query."""
    alive = _receipts_under_way(link)
    return bool(alive), receipt.pk in alive


def link_is_running(link: ShareLink) -> bool:
    """Whether any request is being answered for the link. Cost: one query."""
    return bool(_receipts_under_way(link))


def is_sent_from_its_beginning(receipt: Receipt) -> bool:
    """Whether some request is being answered right now that asked for the first byte too. Cost: one query."""
    rows, is_alive = receipt.running.exclude(process=RESUMED).values_list("spans", "process"), _asked_once()
    return any(spans and spans[0][0] == 0 and is_alive(process) for spans, process in rows)


def _receipts_under_way(link: ShareLink) -> set[int]:
    rows = RunningRequest.objects.filter(receipt__link=link).exclude(process=RESUMED).values_list("receipt", "process")
    is_alive = _asked_once()
    return {of for of, process in rows if is_alive(process)}


def killed(receipt: Receipt) -> Iterator[tuple[list[Span], int]]:
    """Spans of requests whose process died, and how many bytes of them went out; of each once, with its link locked.

    What remains in their rows is the piece that was under way.
    """
    is_alive = _asked_once()
    for row in receipt.running.all():
        if row.place is None or is_alive(row.process):
            continue
        spans = [(start, stop) for start, stop in row.spans]
        progress = _lifesigns().progress(row.process, row.place)
        row.place = None
        if progress:
            row.spans = list(first_bytes(without_first(spans, progress.sent), progress.at_most - progress.sent))
        row.save(update_fields=["place", "spans"])
        if progress:
            yield spans, progress.sent


def dead_processes() -> list[str]:
    """Those of this machine whose requests were not all asked for."""
    return _lifesigns().dead()


def forget_processes(names: Sequence[str]) -> None:
    for name in names:
        _lifesigns().remove(name)


def note_resumed(receipt: Receipt, asked: Sequence[Span]) -> None:
    """A request for `asked` comes: what it shows of requests that died stands in their rows from now on."""
    is_alive = _asked_once()
    for row in receipt.running.all():
        sent = _sent([(start, stop) for start, stop in row.spans], asked)
        if sent and (row.process == RESUMED or not is_alive(row.process)):
            row.spans, row.process = sent, RESUMED
            row.save(update_fields=["spans", "process"])


def shown_by_resumes(receipt: Receipt) -> list[Span]:
    """What requests that died have sent, as far as it is known."""
    rows = receipt.running.filter(process=RESUMED).values_list("spans", flat=True)
    return [(start, stop) for spans in rows for start, stop in spans]


def forget_unended(now: datetime) -> None:
    """Rows of dead processes that nobody resumed for long."""
    RunningRequest.objects.filter(began_at__lt=now - _FORGOTTEN_AFTER).delete()


def _sent(spans: Sequence[Span], asked: Sequence[Span]) -> list[Span]:
    """The part of `spans` before the first place at which one of `asked` goes on; empty when none does."""
    for place, (start, stop) in enumerate(spans):
        if inside := [at for at, _ in asked if start < at <= stop]:
            return [*spans[:place], (start, min(inside))]
    return []


def _asked_once() -> Callable[[str], bool]:
    """Whether a process is alive: there may be hundreds of requests, of few processes."""
    return cache(_lifesigns().is_alive)


def _lifesigns() -> Lifesigns:
    return _lifesigns_in(settings.LIFESIGNS_ROOT)


@cache
def _lifesigns_in(folder: Path) -> Lifesigns:
    return Lifesigns(folder)
