"""What a worker does when the bell rings, and what it looks for when none did."""

import time

from portal.models import DataFile
from portal.queue import enqueue
from uploads.services.bell import answer_bell
from uploads.services.claims import Clock, claim_batch
from uploads.services.joining import join_forgotten
from uploads.services.receiving import finish_forgotten
from uploads.services.release import release_forgotten
from uploads.services.verification import Outcome, verify_batch

_WORK_FOR = 300  # seconds; then the worker takes a new task, so that a restart need not wait for a long queue


def verify_waiting(*, clock: Clock) -> Outcome:
    """Verify what waits, batch by batch, for about five minutes.

    Rings for another worker whenever more than one batch waits, so that all of them help.
    """
    answer_bell()
    stop_at = time.monotonic() + _WORK_FOR
    total = Outcome(0, 0, 0)
    while batch := claim_batch(now=clock()):
        if DataFile.objects.to_verify().due(clock()).exists():
            enqueue("uploads.tasks.verify_task")
        total += verify_batch(batch, clock=clock)
        if time.monotonic() > stop_at:
            break
    return total


def sweep(*, clock: Clock) -> Outcome:
    """Uploads whole but not handed over, files not verified, datasets whole but not released."""
    finish_forgotten()
    join_forgotten()
    outcome = verify_waiting(clock=clock)
    release_forgotten(now=clock())
    return outcome
