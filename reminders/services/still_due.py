"""Whether reminders that were queued are still wanted, in the moment in which they are written."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.models import Dataset, Notice
from reminders.due import LinkFacts, Used, wants
from reminders.services.policies import policy_at_hand, policy_of
from reminders.services.remind import USED
from sharing.models import ShareLink
from sharing.services.data_ends import Until, untils_of
from sharing.undelivered import undelivered

RELATED = ("dataset__project__reminder_policy", "dataset__instrument", "created_by")
FURTHEST = (Used.WHOLE, Used.PARTLY, Used.NOT)


@dataclass(frozen=True, slots=True)
class Unfetched:
    """The link that a reminder is about, and until when it is of use."""

    link: ShareLink
    until: Until


def links_of_mails(notices: Sequence[Notice]) -> dict[int, Unfetched | None]:
    """What ``notices``, all of one kind, are about, by the notice's id; None for what nobody needs any more.

    Of what was sent or did not arrive the link as it is: staff read it. Four queries for all of them, besides what it
    costs to know when data are deleted.
    """
    links = {str(link.pk): link for link in links_with_policies(notice.subject_id for notice in notices)}
    wishes, newest = Wishes(links.values()), _newest(notices)
    untils = untils_of(links.values(), max(notice.as_of for notice in notices))

    def is_needed(notice: Notice, link: ShareLink) -> bool:
        if notice.is_sent or notice.state == Notice.State.FAILED:
            return True
        return notice.pk >= newest[_of_whom(notice)] and wishes.want_reminder(link, notice.as_of)

    def about(notice: Notice) -> Unfetched | None:
        link = links.get(notice.subject_id)
        return Unfetched(link, untils[link.pk]) if link and is_needed(notice, link) else None

    return {notice.pk: about(notice) for notice in notices}


def links_with_policies(ids: Iterable[object]) -> list[ShareLink]:
    """With all that a reminder says. One query."""
    return list(ShareLink.objects.select_related(*RELATED).filter(pk__in=set(ids)).order_by())


class Wishes:
    """What is known of the recipients of ``links``, which have their policies; for as many as one likes two plain
    queries, as the one over all links takes longer to be put together than a mail to be sent."""

    def __init__(self, links: Collection[ShareLink]) -> None:
        siblings = ShareLink.objects.filter(
            dataset__in={link.dataset_id for link in links}, recipient__in={link.recipient for link in links}
        )
        self._of_recipient = defaultdict[tuple[UUID, str], list[ShareLink]](list)
        for link in siblings.order_by():
            self._of_recipient[link.dataset_id, link.recipient].append(link)
        self._undelivered = undelivered(links)

    def want_reminder(self, link: ShareLink, now: datetime) -> bool:
        """Whether ``links_to_remind`` has ``link`` at ``now``, its recent slots aside."""
        if link.dataset.state != Dataset.State.RELEASED or (link.created_by and not link.created_by.is_active):
            return False
        policy = policy_of(policy_at_hand(link.dataset.project))
        return not self.has_newer(link, now) and wants(now, policy, self.facts_of(link))

    def has_newer(self, link: ShareLink, now: datetime) -> bool:
        """Whether the recipient has a newer link to the data, which works."""
        siblings = self._of_recipient[link.dataset_id, link.recipient]
        return any(other.pk > link.pk and other.revoked_at is None and _is_running(other, now) for other in siblings)

    def facts_of(self, link: ShareLink) -> LinkFacts:
        """With what was done with any link of the recipient to the data; its recent slots aside."""
        siblings = self._of_recipient[link.dataset_id, link.recipient]
        used = {USED[ShareLink.State(other.state)] for other in siblings}
        return LinkFacts(
            link.starts_at,
            link.expires_at,
            revoked=link.revoked_at is not None,
            answered=any(other.answer for other in siblings),
            undelivered=link.pk in self._undelivered,
            used=next((each for each in FURTHEST if each in used), Used.NOT),
        )


def _is_running(link: ShareLink, now: datetime) -> bool:
    return link.starts_at <= now < link.expires_at


def _newest(notices: Sequence[Notice]) -> dict[tuple[str, str], int]:
    """Of a link and an address, the newest mail of that kind: nobody gets two reminders of the same link at once, when
    the next slot came while one waited."""
    same = Notice.objects.filter(
        kind__in={notice.kind for notice in notices}, subject_id__in={notice.subject_id for notice in notices}
    )
    rows = same.exclude(state=Notice.State.DROPPED).order_by("pk").values_list("subject_id", "to", "pk")
    newest = {_of_whom(notice): notice.pk for notice in notices}
    return newest | {(subject, to): pk for subject, to, pk in rows}


def _of_whom(notice: Notice) -> tuple[str, str]:
    return notice.subject_id, notice.to
