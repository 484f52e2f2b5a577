"""Sends what is due in the outbox; records what became of each mail."""

import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from functools import partial

import structlog
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from portal.mail_ceilings import WENT_OUT, day_of, keep_to_ceilings, return_room
from portal.mail_claims import ClaimLost, Clock, begin_body, claim, due_ids, give_back, settle_abandoned
from portal.mail_endings import Endings
from portal.mail_facts import Facts
from portal.mail_text import message_of, write_letter
from portal.models import Notice
from portal.queue import enqueue
from portal.smtp import Postponed, Refused, StagedEmailBackend, Unknown, Unreachable, words

log = structlog.get_logger(__name__)

State = Notice.State

WORK_FOR = 50  # seconds; then the worker is free for other work, and another is called if more is due
TOLD = 1000  # waiting mails that say why they wait


def send_due_mail(*, clock: Clock, seconds: float = WORK_FOR) -> Counter[str]:
    """Sends for about ``seconds``; how many mails ended in which state (``due``: postponed).

    With the mail server out of reach nobody's tries are used up: the mails stay due, say why, and go out within a
    minute of its return. Cost: a few queries a mail, whatever else the outbox holds.
    """
    settle_abandoned(now=clock())
    ended: Counter[str] = Counter()
    stop_at = time.monotonic() + seconds
    with closing(get_connection()) as post:
        try:
            while time.monotonic() < stop_at and (ids := due_ids(clock())):
                if isinstance(post, StagedEmailBackend):
                    post.connect()
                batch = keep_to_ceilings(claim(ids, now=clock()), clock())
                _send_batch(post, batch, ended, clock, stop_at)
        except Unreachable as trouble:
            _tell_who_waits(str(trouble), now=clock())
            return ended
    if due_ids(clock()):
        enqueue("portal.tasks.send_due_mail_task")
    return ended


def _send_batch(post: BaseEmailBackend, batch: list[Notice], ended: Counter[str], clock: Clock, stop_at: float) -> None:
    unsent, stayed, day = deque(batch), [], day_of(clock())
    facts, endings = Facts(batch), Endings()
    try:
        while unsent and time.monotonic() < stop_at:
            state = _send(post, unsent[0], facts, endings, clock)
            ended[state] += 1
            mail = unsent.popleft()
            if state not in WENT_OUT:
                stayed.append(mail)
    finally:
        endings.write()
        give_back(list(unsent))
        return_room([*stayed, *unsent], day)


def _send(post: BaseEmailBackend, notice: Notice, facts: Facts, endings: Endings, clock: Clock) -> State:
    """Sends one mail and has its end recorded. Raises Unreachable, with the mail still claimed."""
    try:
        letter = write_letter(notice, facts)
        if letter is None or letter.is_early(notice.as_of):
            return endings.leave(notice, until=letter.not_before if letter else None)
        notice.subject_line = letter.subject[:300]
        began = time.monotonic()
        _deliver(post, message_of(notice, letter), lambda: endings.write_with(partial(begin_body, notice, clock)))
    except Unreachable:
        raise
    except ClaimLost:
        return State.CLAIMED
    except Unknown as trouble:
        return endings.settle(notice, State.UNCERTAIN, str(trouble))
    except Refused as trouble:
        return endings.settle(notice, State.FAILED, str(trouble))
    except Postponed as trouble:
        return endings.postpone(notice, str(trouble), clock())
    except Exception as error:
        if notice.body_began_at:  # the server may have it: the lease runs out and it becomes uncertain
            raise
        log.exception("mail_not_written", notice=notice.pk, kind=notice.kind)
        why = f"The mail could not be written: {type(error).__name__}: {words(error)}"
        return endings.postpone(notice, why, clock())
    return endings.sent(notice, clock(), seconds=time.monotonic() - began)


def _deliver(post: BaseEmailBackend, message: EmailMessage, before_body: Callable[[], None]) -> None:
    """Backends that know no stages, such as the one that writes files, may have taken whatever they fail at."""
    if isinstance(post, StagedEmailBackend):
        post.deliver(message, before_body)
        return
    before_body()
    try:
        post.send_messages([message])
    except Exception as error:
        raise Unknown(f"The mail may or may not have gone out: {type(error).__name__}: {words(error)}") from error


def _tell_who_waits(trouble: str, *, now: datetime) -> None:
    """The next to be sent say why they were not, on the outbox page."""
    log.warning("mail_server_unreachable", trouble=trouble)
    waiting = Notice.objects.to_send().due(now)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:TOLD])
    waiting.filter(pk__in=ids).exclude(last_error=trouble[:500]).update(last_error=trouble[:500])
