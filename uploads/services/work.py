"""What a worker does when the bell rings, and what it looks for when none did."""

import time

from portal.models import DataFile
from portal.queue import enqueue
from uploads.models import Bundle
from uploads.services.bell import answer_bell
from uploads.services.claims import Clock, claim_batch
from uploads.services.joining import join_forgotten
from uploads.services.outcome import Outcome
from uploads.services.receiving import finish_forgotten
from uploads.services.release import release_forgotten
from uploads.services.unpacking import claim_bundle, unpack_bundle
from uploads.services.verification import verify_batch

_WORK_FOR = 300  # seconds; then the worker takes a new task, so that a restart need not wait for a long queue


def verify_waiting(*, clock: Clock) -> Outcome:
    """Unpack and verify what waits, a bundle or a batch at a time, for about five minutes.

    Rings for another worker whenever more than one waits, so that all of them help.
    """
    answer_bell()
    stop_at = time.monotonic() + _WORK_FOR
    total = Outcome(0, 0, 0)
    while (outcome := _next_piece_of_work(clock)) is not None:
        total += outcome
        if time.monotonic() > stop_at:
            break
    return total


def _next_piece_of_work(clock: Clock) -> Outcome | None:
    """None when nothing waits."""
    if bundle := claim_bundle(now=clock()):
        _ring_for_help(clock)
        return unpack_bundle(bundle, clock=clock)
    if batch := claim_batch(now=clock()):
        _ring_for_help(clock)
        return verify_batch(batch, clock=clock)
    return None


def _ring_for_help(clock: Clock) -> None:
    now = clock()
    if Bundle.objects.waiting().due(now).exists() or DataFile.objects.to_verify().due(now).exists():
        enqueue("uploads.tasks.verify_task")


def sweep(*, clock: Clock) -> Outcome:
    """Uploads whole but not handed over, files not verified, datasets whole but not released."""
    finish_forgotten()
    join_forgotten()
    outcome = verify_waiting(clock=clock)
    release_forgotten(now=clock())
    return outcome
