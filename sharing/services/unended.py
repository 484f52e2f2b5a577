"""Requests that are being answered, and those whose process died before it could say what it had sent.

A process that is killed leaves its rows. Nobody knows how far it came, but whoever resumes shows it: a request for the
bytes from N on, where the dead one was sending from before N to behind it, has what lies before N. Several connections
may resume in one such range; the first of their places counts, so what they show is kept apart until all is complete.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings

from dataplane.lifesign import Lifesigns
from dataplane.spans import Span
from sharing.models import Receipt, RunningRequest, ShareLink

log = structlog.get_logger(__name__)

RESUMED = ""  # instead of a process: it died, and the row's spans are what it had sent
_FORGOTTEN_AFTER = timedelta(days=60)


def note_running(receipt: Receipt, spans: Sequence[Span], now: datetime) -> int | None:
    """What to name when it ends; None when this process cannot give a sign of life, as on a full disk."""
    try:
        process = _lifesigns().own()
    except OSError as error:
        log.warning("no_sign_of_life", error=str(error))
        return None
    return RunningRequest.objects.create(receipt=receipt, spans=spans, process=process, began_at=now).pk


def end_running(running: int | None) -> None:
    if running is not None:
        RunningRequest.objects.filter(pk=running).delete()


def are_running(link: ShareLink, receipt: Receipt) -> tuple[bool, bool]:
    """Whether any request is being answered for the link, and for this receipt of it. Cost: one query."""
    alive = _receipts_under_way(link)
    return bool(alive), receipt.pk in alive


def link_is_running(link: ShareLink) -> bool:
    """Whether any request is being answered for the link. Cost: one query."""
    return bool(_receipts_under_way(link))


def _receipts_under_way(link: ShareLink) -> set[int]:
    rows = RunningRequest.objects.filter(receipt__link=link).exclude(process=RESUMED).values_list("receipt", "process")
    return {of for of, process in rows if _lifesigns().is_alive(process)}


def note_resumed(receipt: Receipt, asked: Sequence[Span]) -> None:
    """A request for `asked` comes: what it shows of requests that died stands in their rows from now on."""
    for row in receipt.running.all():
        sent = _sent([(start, stop) for start, stop in row.spans], asked)
        if sent and (row.process == RESUMED or not _lifesigns().is_alive(row.process)):
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


def _lifesigns() -> Lifesigns:
    return _lifesigns_in(settings.LIFESIGNS_ROOT)


@cache
def _lifesigns_in(folder: Path) -> Lifesigns:
    return Lifesigns(folder)
