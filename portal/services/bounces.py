"""What becomes of a mail whose server said that it could not be delivered."""

from datetime import datetime
from enum import Enum

from django.db import transaction

from portal import events
from portal.bounce_reports import BounceReport
from portal.logs import redact
from portal.models import Notice

State = Notice.State


class Noted(Enum):
    YES = "noted"
    UNKNOWN = "unknown"  # no mail of ours, or one that was withdrawn
    EARLY = "early"  # the worker that sends it has not yet written down how that ended: come again


def note_report(*, report: BounceReport, now: datetime) -> Noted:
    """Writes a report into its mail's row. The same report again changes nothing.

    A mail that a server gave up is sent back, and shown where its address can be corrected; of a delay only the
    words are kept, as the server goes on trying.
    """
    notice = Notice.objects.filter(message_id__in=report.message_ids).select_related("dataset__project").first()
    if notice is None:
        return Noted.UNKNOWN
    if notice.state == State.CLAIMED:
        return Noted.EARLY
    if report.failed:
        _send_back(notice, redact(f"The mail was sent back: {report.reason}")[:500], now)
    else:
        delayed = redact(f"A mail server on the way is late and goes on trying: {report.reason}")[:500]
        Notice.objects.filter(pk=notice.pk, state=State.SENT).update(last_error=delayed)
    return Noted.YES


def _send_back(notice: Notice, reason: str, now: datetime) -> None:
    """Also a mail that was to be sent again: what came back is an earlier try with the same address."""
    with transaction.atomic():
        went_out = Notice.objects.filter(pk=notice.pk, state__in=[State.SENT, State.UNCERTAIN, State.DUE])
        if went_out.update(state=State.BOUNCED, bounced_at=now, last_error=reason, claimed_by="", not_before=None):
            events.mail_sent_back(notice, reason, now)
