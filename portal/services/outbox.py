"""What staff do with the outbox."""

from datetime import datetime

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.errors import Conflict
from portal.models import Notice
from portal.queue import enqueue


def try_again(*, notice: Notice, actor: Actor, now: datetime) -> None:
    """Makes a mail that failed, was sent back or is uncertain due again, with all its tries before it.

    Raises Conflict for any other.

    Its Message-ID stays, so a recipient who has it already may be shown it once.
    """
    with transaction.atomic():
        stuck = Notice.objects.filter(pk=notice.pk, state__in=Notice.STUCK)
        due = {"state": Notice.State.DUE, "attempts": 0, "not_before": None}
        if not stuck.update(**due, leased_until=None, claimed_by="", body_began_at=None, bounced_at=None):
            notice.refresh_from_db()
            raise Conflict(
                f"This mail is {notice.get_state_display()}. Only one that failed, was sent back or is uncertain can "
                "be sent again."
            )
        enqueue("portal.tasks.send_due_mail_task")
        events.mail_tried_again(notice, actor, now)
