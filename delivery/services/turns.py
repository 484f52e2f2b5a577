"""Long work is done in turns of some minutes, so that everybody's comes forward and a restart need not wait."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from portal.models.work import Work, WorkQuerySet

Clock = Callable[[], datetime]
Row = TypeVar("Row", bound=Work)

LEASE = timedelta(minutes=1)
TURN = 300  # seconds
_RENEW_EVERY = timedelta(seconds=20)
_LONGEST_WAIT = timedelta(hours=1)


class TurnLost(Exception):
    """The lease ran out meanwhile, or the work is not wanted any more: whoever has it now goes on."""


class Turn:
    """Somebody's hold on a row of work, renewed from time to time by `still_here`."""

    def __init__(self, rows: "WorkQuerySet[Row]", claimant: str, clock: Clock) -> None:
        self._held, self._clock = rows.filter(claimed_by=claimant), clock
        self._renewed, self._ends = clock(), time.monotonic() + TURN
        self.claimant = claimant

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._ends

    def still_here(self) -> None:
        """Raises TurnLost. Cost: one UPDATE every twenty seconds."""
        now = self._clock()
        if now - self._renewed < _RENEW_EVERY:
            return
        if not self._held.update(leased_until=now + LEASE):
            raise TurnLost
        self._renewed = now


def begin_turn(rows: "WorkQuerySet[Row]", pk: object, clock: Clock) -> Turn | None:
    """Takes the row if it is due; None when somebody else has it."""
    claimant = secrets.token_hex(16)
    if not rows.claim([pk], claimant=claimant, now=clock(), lease=LEASE):
        return None
    return Turn(rows.filter(pk__in=[pk]), claimant, clock)


def wait_after(attempts: int) -> timedelta:
    """1, 2, 4 ... minutes, at most an hour."""
    return min(_LONGEST_WAIT, timedelta(minutes=2 ** min(max(attempts - 1, 0), 6)))
