"""The mails about one link, for its page: what went out, and what other rooms say of what comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from portal.models import Notice
from sharing.models import ShareLink
from sharing.undelivered import LINK_MAILS

SHOWN = 20
WORDS = {"dataset-ready": "The link", "more-time-given": "More time was given", "reminder": "Reminder"}

NoteFunction = Callable[[ShareLink, datetime], str]


@dataclass(frozen=True, slots=True)
class LinkMail:
    """`trouble`: why it did not arrive or waits, one line; empty for most."""

    word: str
    state: str
    at: datetime
    trouble: str


def mails_of(link: ShareLink) -> list[LinkMail]:
    """To the recipient, newest first, at most `SHOWN`. One query."""
    mails = Notice.objects.filter(kind__in=LINK_MAILS, subject_id=str(link.pk)).order_by("-pk")
    return [
        LinkMail(
            WORDS[mail.kind],
            mail.state,
            mail.sent_at or mail.tried_at or mail.created_at,
            "" if mail.state == Notice.State.SENT else mail.last_error,
        )
        for mail in mails[:SHOWN]
    ]


def notes_on(link: ShareLink, now: datetime) -> list[str]:
    """What the functions named in ``settings.LINK_NOTES`` say of what comes, a sentence each."""
    functions: list[NoteFunction] = [import_string(name) for name in settings.LINK_NOTES]
    return [note for function in functions if (note := function(link, now))]
