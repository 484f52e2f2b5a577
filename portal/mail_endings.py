"""How tries end, as the outbox is told: each at once, except that a mail which was sent may wait for the next text.

That a text is about to go and that the one before was taken are then one transaction: a mail costs one commit, which is
what a disk allows fewest of. At most one mail waits like that, and only where the mail server answers at once, so a
worker that is killed still leaves at most one uncertain mail.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F

from portal.logs import redact
from portal.models import Notice

log = structlog.get_logger(__name__)

State = Notice.State

PROMPT = 0.1  # seconds; a mail of a server that takes longer than that for it waits for no other
DELAYS = [timedelta(minutes=2**n) for n in range(8)] + [timedelta(hours=4)] * 11  # 48 hours in all


class Endings:
    """Of the mails of one batch; :meth:`write` belongs at its end."""

    def __init__(self) -> None:
        self._sent: tuple[Notice, datetime] | None = None

    def write_with(self, begin: Callable[[], None]) -> None:
        """Writes what waits and does ``begin`` in one transaction. What ``begin`` raises undoes both."""
        if self._sent is None:
            begin()
            return
        with transaction.atomic():
            _record(self._sent[0], State.SENT, sent_at=self._sent[1])
            begin()
        self._sent = None

    def write(self) -> None:
        self.write_with(_nothing)

    def sent(self, notice: Notice, at: datetime, *, seconds: float) -> State:
        """``seconds``: how long the mail server took for it."""
        self.write()
        self._sent = notice, at
        if seconds > PROMPT:
            self.write()
        return State.SENT

    def settle(self, notice: Notice, state: State, trouble: str = "", **columns: object) -> State:
        if trouble:
            log.warning("mail_not_sent", notice=notice.pk, kind=notice.kind, state=state.value, trouble=trouble)
        self.write_with(lambda: _record(notice, state, trouble, **columns))
        return state

    def postpone(self, notice: Notice, trouble: str, now: datetime) -> State:
        if notice.attempts > len(DELAYS):
            return self.settle(notice, State.FAILED, f"Given up after 48 hours. {trouble}")
        return self.settle(notice, State.DUE, trouble, not_before=now + DELAYS[notice.attempts - 1], claimed_by="")

    def leave(self, notice: Notice, *, until: datetime | None) -> State:
        """Until then, as it would disturb somebody, and that was not a try; None: for good, as nobody needs it."""
        if until is None:
            return self.settle(notice, State.DROPPED)
        trouble, uncounted = "It waits for an hour at which it disturbs nobody.", F("attempts") - 1
        return self.settle(notice, State.DUE, trouble, not_before=until, claimed_by="", attempts=uncounted)


def _record(notice: Notice, state: State, trouble: str = "", **columns: object) -> None:
    """The end of a try, unless the mail has been given to somebody else since."""
    Notice.objects.filter(pk=notice.pk, claimed_by=notice.claimed_by).update(
        state=state,
        leased_until=None,
        subject_line=notice.subject_line,
        last_error=redact(trouble)[:500],
        **columns,
    )


def _nothing() -> None:
    pass
