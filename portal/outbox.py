"""The outbox: one row a mail, made in the transaction of its cause, sent later by whoever hears the bell.

A room that wants a mail sent calls :func:`queue_notice`. What the mail says is decided when it is sent, by the function
that ``settings.MAILS`` names for its kind: it gets the :class:`~portal.models.Notice` and gives a :class:`Mail`, or
None when the mail is no longer needed (the link was revoked, say).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail.utils import DNS_NAME
from django.utils.crypto import get_random_string

from portal.models import Dataset, Notice
from portal.queue import enqueue


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a mail; ``media_type`` such as ``text/calendar``."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """Names ``templates/emails/<template>-{subject.txt,body-text.txt,body-html.html}`` and what they need.

    ``unsubscribe``: for reminders and digests, the whole address where a POST of a mail program, without a session or
    a CSRF token, stops them (RFC 8058). ``preferences``: instead, the page where somebody who signs in can do so.
    ``not_before``: when it would disturb nobody; the mail waits until then and is written anew.
    """

    template: str
    context: dict[str, Any]
    reply_to: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    unsubscribe: str = ""
    preferences: str = ""
    not_before: datetime | None = None


MailFunction = Callable[..., Mail | None]  # of the notice and, for some kinds, what `portal.mail_facts` knows


def queue_notice(
    kind: str,
    to: str,
    *,
    subject_id: object,
    slot: str,
    dataset: Dataset | None = None,
    context: dict[str, Any] | None = None,
    not_before: datetime | None = None,
) -> None:
    """Queues one mail; the same (kind, subject, slot, address) a second time does nothing."""
    queue_notices(
        [
            new_notice(
                kind,
                to,
                subject_id=subject_id,
                slot=slot,
                dataset=dataset,
                context=context,
                not_before=not_before,
            )
        ]
    )


def queue_notices(notices: Iterable[Notice]) -> None:
    """Queues many mails in one INSERT each 500; those queued before for the same occasion are left alone."""
    Notice.objects.bulk_create(notices, batch_size=500, ignore_conflicts=True)
    enqueue("portal.tasks.send_due_mail_task")


def new_notice(
    kind: str,
    to: str,
    *,
    subject_id: object,
    slot: str,
    dataset: Dataset | None = None,
    context: dict[str, Any] | None = None,
    not_before: datetime | None = None,
) -> Notice:
    """An unsaved outbox row with its Message-ID."""
    if kind not in settings.MAILS:
        raise LookupError(f"{kind!r} is not in settings.MAILS")
    return Notice(
        kind=kind,
        to=to,
        subject_id=str(subject_id),
        slot=slot,
        dataset=dataset,
        can_wait=kind in settings.MAILS_THAT_WAIT,
        context=context or {},
        not_before=not_before,
        message_id=f"<{get_random_string(32).lower()}@{DNS_NAME}>",
    )
