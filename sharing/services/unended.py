"""Requests that are being answered, and those whose process died before it could say what it had sent.

A process that is killed leaves its rows. Nobody knows how far it came, but whoever resumes shows it: a request for the
bytes from N on, where the dead one was sending from before N to behind it, has what lies before N.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings

from dataplane.lifesign import Lifesigns
from dataplane.spans import Span
from sharing.models import Receipt, RunningRequest, ShareLink

log = structlog.get_logger(__name__)

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
    rows = RunningRequest.objects.filter(receipt__link=link).values_list("receipt", "process")
    alive = {of for of, process in rows if _lifesigns().is_alive(process)}
    return bool(alive), receipt.pk in alive


def sent_before_their_end(receipt: Receipt, asked: Iterable[Span]) -> list[Span]:
    """What requests that died have sent, as far as a new request for `asked` shows it. Their rows are done with."""
    shown: list[Span] = []
    for row in receipt.running.all():
        sent = list(_sent([(start, stop) for start, stop in row.spans], asked))
        if sent and not _lifesigns().is_alive(row.process):
            shown += sent
            row.delete()
    return shown


def forget_unended(now: datetime) -> None:
    """Rows of dead processes that nobody resumed for long."""
    RunningRequest.objects.filter(began_at__lt=now - _FORGOTTEN_AFTER).delete()


def _sent(spans: Sequence[Span], asked: Iterable[Span]) -> Iterator[Span]:
    for resumed_at, _ in asked:
        for place, (start, stop) in enumerate(spans):
            if start < resumed_at <= stop:
                yield from spans[:place]
                yield start, resumed_at


def _lifesigns() -> Lifesigns:
    return _lifesigns_in(settings.LIFESIGNS_ROOT)


@cache
def _lifesigns_in(folder: Path) -> Lifesigns:
    return Lifesigns(folder)
