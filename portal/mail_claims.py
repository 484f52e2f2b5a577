"""Whose a mail is while it is being sent. Any number of workers send at once, and each may die at any point.

A mail is taken by one conditional UPDATE with a lease. Just before the mail server is given the text, a second one
notes that in the row; it fails for whoever lost the lease meanwhile. So no two workers ever hand over the same mail,
and a mail whose worker died is either due again or, if the server may have it, uncertain: shown, not repeated.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F

from portal.models import Notice

Clock = Callable[[], datetime]
State = Notice.State

BATCH = 20
LEASE = timedelta(seconds=100)  # longer than a mail server may take to answer a text (portal.smtp)


class ClaimLost(Exception):
    """The lease ran out before the text was handed over; the mail is due again, or somebody else's."""


def settle_abandoned(*, now: datetime) -> None:
    """Mails whose sender has not been heard of since its lease ran out. Two UPDATEs."""
    abandoned = Notice.objects.abandoned(now)
    # `claimed_by` stays: should the sender be alive after all, its word counts.
    abandoned.filter(body_began_at__isnull=False).update(
        state=State.UNCERTAIN,
        leased_until=None,
        last_error="The portal stopped while the mail server had the text, so its answer is not known.",
    )
    abandoned.filter(body_began_at__isnull=True).update(state=State.DUE, leased_until=None, claimed_by="")


def due_ids(now: datetime) -> list[int]:
    """The next to be sent, those that can wait last, else oldest first; at most a batch. Walks an index, counts
    nothing."""
    return list(Notice.objects.to_send().due(now).order_by("can_wait", "pk").values_list("pk", flat=True)[:BATCH])


def claim(ids: list[int], *, now: datetime) -> list[Notice]:
    """Those of ``ids`` that were still due, now the caller's alone. Two queries."""
    claimant = secrets.token_hex(16)
    Notice.objects.to_send().claim(
        ids, claimant=claimant, now=now, lease=LEASE, state=State.CLAIMED, tried_at=now, body_began_at=None
    )
    claimed = Notice.objects.filter(pk__in=ids, claimed_by=claimant)
    return list(claimed.select_related("dataset__project").order_by("can_wait", "pk"))


def begin_body(notice: Notice, clock: Clock) -> None:
    """Notes, committed, that the mail server is about to be given the text. Raises ClaimLost."""
    notice.body_began_at = now = clock()
    ours = Notice.objects.filter(pk=notice.pk, claimed_by=notice.claimed_by, state=State.CLAIMED)
    if not ours.update(body_began_at=now, leased_until=now + LEASE):
        raise ClaimLost


def give_back(unsent: list[Notice]) -> None:
    """Makes mails due again that were taken but not begun; that was not a try."""
    if unsent:
        ours = Notice.objects.filter(pk__in=[notice.pk for notice in unsent], claimed_by=unsent[0].claimed_by)
        ours.filter(state=State.CLAIMED, body_began_at__isnull=True).update(
            state=State.DUE, leased_until=None, claimed_by="", attempts=F("attempts") - 1
        )
