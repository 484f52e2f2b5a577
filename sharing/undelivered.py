"""Which recipients the mail with their link did not reach, or perhaps not, as the mail servers said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from portal.models import Notice, User
from sharing.access import links_to_send
from sharing.models import ShareLink

LINK_MAILS = ("dataset-ready", "more-time-given", "reminder")  # those that bring the link to its recipient
ENDS = (Notice.State.SENT, Notice.State.UNCERTAIN, *Notice.UNDELIVERED)
LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Undelivered:
    """`state`: failed or bounced, or uncertain; `reason`: the mail server's words, or what is known, one line."""

    state: str
    reason: str
    at: datetime


def undelivered(links: Iterable[ShareLink]) -> dict[int, Undelivered]:
    """By id, those of `links` whose newest mail that was tried did not arrive. Revoked ones need no mail. One query."""
    return {link: mail for link, mail in perhaps_undelivered(links).items() if mail.state in Notice.UNDELIVERED}


def perhaps_undelivered(links: Iterable[ShareLink]) -> dict[int, Undelivered]:
    """As `undelivered`, and besides those of whose newest mail nobody knows whether it arrived. One query."""
    wanted = [str(link.pk) for link in links if link.revoked_at is None]
    tried = Notice.objects.filter(subject_id__in=wanted, kind__in=LINK_MAILS, state__in=ENDS).order_by("pk")
    newest = {int(mail.subject_id): mail for mail in tried.iterator()}
    return {
        link: Undelivered(mail.state, mail.last_error, mail.bounced_at or mail.tried_at or mail.created_at)
        for link, mail in newest.items()
        if mail.state in Notice.STUCK
    }


def links_not_delivered(person: User, now: datetime) -> dict[ShareLink, Undelivered]:
    """Open links of projects where this person may send, with which nothing was taken. Looks at the newest mails alone.

    Cost: three queries.
    """
    mails = Notice.objects.filter(state__in=Notice.UNDELIVERED, kind__in=LINK_MAILS).order_by("-pk")
    links = links_to_send(person).open(now).untaken().filter(pk__in=_links_of(mails[:LOOKED_AT]))
    found = {link.pk: link for link in links.select_related("dataset")}
    return {found[pk]: what for pk, what in undelivered(found.values()).items()}


def _links_of(mails: Iterable[Notice]) -> set[int]:
    return {int(mail.subject_id) for mail in mails}
