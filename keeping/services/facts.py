"""What `keeping.due` needs to know, gathered for many datasets at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from django.db.models import CharField, DateTimeField, ExpressionWrapper, OuterRef, Subquery
from django.db.models.functions import Cast

from keeping.due import Facts, Policy
from keeping.models import AskedPerson, Keeping, RetentionClass
from keeping.models.asked import WARNING
from portal.models import AuditEvent, Notice
from sharing.models import ShareLink

CountedFrom = RetentionClass.CountedFrom
Answer = ShareLink.Answer
FOR_EVER = Policy(days=None)
_CLOCKS_DIFFER = timedelta(minutes=10)  # at most, of the machines that queue and send: else no mail would ever count


class _Link(NamedTuple):
    recipient: str
    state: str
    expires_at: datetime
    revoked_at: datetime | None
    completed_at: datetime | None
    verified_at: datetime | None
    last_taken_at: datetime | None
    answer: str
    answered_at: datetime | None

    @property
    def done_at(self) -> datetime | None:
        """When nothing more was to be waited for: they have everything, or said so. Never for the wrong person."""
        if self.is_astray:
            return None
        said = self.answered_at if self.answer == Answer.HAS_IT else None
        return min((at for at in (self.completed_at, said) if at), default=None)

    @property
    def is_astray(self) -> bool:
        """It went to the wrong person and nobody has done anything about that: the right one was never reached."""
        return self.answer == Answer.NOT_THEIRS and self.revoked_at is None

    @property
    def agreed_at(self) -> datetime | None:
        """Their program compared what it fetched with the checksums, or they said that they have it."""
        if self.answer == Answer.HAS_IT:
            return self.answered_at
        return self.verified_at if self.state == ShareLink.State.VERIFIED else None


@dataclass(frozen=True, slots=True)
class Situation:
    """One dataset's facts, with the class that applies (None: kept for ever) and who has not fetched everything.

    ``waited_for``: those whose links still work or ended so; ``without``: those of them who want the data.
    """

    keeping: Keeping
    retention: RetentionClass | None
    facts: Facts
    waited_for: frozenset[str]
    without: list[str]

    @property
    def policy(self) -> Policy:
        return Policy(self.retention.days, self.retention.deletes_early) if self.retention else FOR_EVER

    def told(self, at: datetime | None) -> Self:
        return replace(self, facts=replace(self.facts, told_at=at))

    @property
    def may_come_earlier(self) -> bool:
        """Recipients who fetch or agree may bring the deletion forward."""
        counted = self.retention.counted_from if self.retention else CountedFrom.RELEASE
        return self.policy.early or counted == CountedFrom.ALL_COMPLETE


def situation_of(keeping: Keeping) -> Situation:
    """Also of one that has no row yet."""
    return situations([keeping])[0]


def situations(keepings: Sequence[Keeping]) -> list[Situation]:
    """In the same order; each with its dataset and project. Cost: four queries, whatever the number; five where
    something is warned of."""
    datasets = {keeping.dataset_id for keeping in keepings}
    links: dict[UUID, list[_Link]] = defaultdict(list)
    for dataset_id, *columns in ShareLink.objects.filter(dataset__in=datasets).values_list("dataset", *_Link._fields):
        links[dataset_id].append(_Link(*columns))
    classes = classes_of(keepings)
    taken = _last_taken(keeping.pk for keeping in keepings)
    answers: dict[int, dict[str, datetime]] = defaultdict(dict)
    agreeing = AskedPerson.objects.filter(keeping__in=[each.pk for each in keepings], answer=AskedPerson.Answer.DELETE)
    for keeping_id, email, answered_at in agreeing.values_list("keeping", "email", "answered_at"):
        if answered_at:
            answers[keeping_id][email.lower()] = answered_at
    told = _told_at(keepings)
    found = [
        _situation(each, classes[each.dataset_id], links[each.dataset_id], taken.get(each.pk), answers[each.pk])
        for each in keepings
    ]
    return [each.told(told.get(each.keeping.pk)) for each in found]


def _situation(
    keeping: Keeping,
    retention: RetentionClass | None,
    links: list[_Link],
    taken_at: datetime | None,
    agreed: dict[str, datetime],
) -> Situation:
    links = [link for link in links if link.revoked_at is None] or links
    facts = Facts(
        counted_from=_counted_from(keeping, retention, links, taken_at),
        held=keeping.is_held,
        extended_until=keeping.extended_until,
        agreed_at=_agreed_at(keeping, links, agreed),
        warned_at=keeping.warned_at,
    )
    done = {link.recipient.lower() for link in links if link.done_at}
    waited_for = {link.recipient.lower() for link in links if link.revoked_at is None} - done
    astray = {link.recipient.lower() for link in links if link.is_astray}
    return Situation(keeping, retention, facts, frozenset(waited_for), sorted(waited_for - astray))


def _counted_from(
    keeping: Keeping, retention: RetentionClass | None, links: list[_Link], taken_at: datetime | None
) -> datetime | None:
    """May lie ahead: recipients who have not fetched everything are waited for until their links end."""
    released = keeping.dataset.released_at
    counted = retention.counted_from if retention else CountedFrom.RELEASE
    if released is None or counted == CountedFrom.RELEASE:
        return released
    if counted == CountedFrom.LAST_ACCESS:
        return max(each for each in (released, taken_at, *(link.last_taken_at for link in links)) if each)
    return max([released, *_each_recipient_s_end(links)])


def _each_recipient_s_end(links: list[_Link]) -> list[datetime]:
    """For each when they first had everything, else when the last of their links ends."""
    of: dict[str, list[_Link]] = defaultdict(list)
    for link in links:
        of[link.recipient.lower()].append(link)
    moments = []
    for theirs in of.values():
        done = [link.done_at for link in theirs if link.done_at]
        moments.append(min(done) if done else max(link.revoked_at or link.expires_at for link in theirs))
    return moments


def _agreed_at(keeping: Keeping, links: list[_Link], agreed: dict[str, datetime]) -> datetime | None:
    """When the last of the recipients, and the owner if one is named, agreed; None while one has not, or a link went
    to the wrong person."""
    if any(link.is_astray for link in links):
        return None
    agreed = dict(agreed)
    for link in links:
        if link.agreed_at:
            agreed.setdefault(link.recipient.lower(), link.agreed_at)
    wanted = {link.recipient.lower() for link in links if link.revoked_at is None}
    if not wanted:
        return None
    wanted |= {keeping.owner_email.lower()} - {""}
    return max(agreed[email] for email in wanted) if wanted <= agreed.keys() else None


def classes_of(keepings: Collection[Keeping]) -> dict[UUID, RetentionClass | None]:
    """By dataset the class each names itself, else its project's default. Cost: one query."""
    projects = {keeping.dataset.project_id for keeping in keepings}
    classes = {row.pk: row for row in RetentionClass.objects.filter(project__in=projects)}
    defaults = {row.project_id: row for row in classes.values() if row.is_default}
    return {
        each.dataset_id: classes.get(each.retention_class_id or 0) or defaults.get(each.dataset.project_id)
        for each in keepings
    }


def _last_taken(keeping_ids: Iterable[int]) -> dict[int, datetime]:
    """The last download that the audit tells of, by members too; one step in an index for each dataset."""
    downloads = AuditEvent.objects.filter(dataset_id=OuterRef("dataset"), kind="downloaded").order_by("-id")
    rows = Keeping.objects.filter(pk__in=list(keeping_ids)).annotate(taken=Subquery(downloads.values("at")[:1]))
    return {pk: taken for pk, taken in rows.values_list("pk", "taken") if taken}


def _told_at(keepings: Sequence[Keeping]) -> dict[int, datetime]:
    """Of those that are warned of: when the first warning since was sent to somebody who decides, and stayed there.

    Cost: one query, with a step in an index for each of these people; none while nothing is warned of.
    """
    warned = [each.pk for each in keepings if each.warned_at]
    if not warned:
        return {}
    since = ExpressionWrapper(OuterRef("keeping__warned_at") - _CLOCKS_DIFFER, DateTimeField())
    mails = Notice.objects.filter(kind=WARNING, subject_id=Cast(OuterRef("pk"), CharField()))
    # The state is not told as a value: SQLite would take its index, which leads to all mails that were ever sent.
    sent = mails.filter(state__endswith=Notice.State.SENT, sent_at__gte=since)
    arrived = sent.order_by("sent_at").values("sent_at")
    people = AskedPerson.objects.filter(keeping__in=warned, role__in=AskedPerson.DECIDE).order_by()
    told: dict[int, datetime] = {}
    for keeping_id, at in people.values_list("keeping", Subquery(arrived[:1])):
        if at:
            told[keeping_id] = min(at, told.get(keeping_id, at))
    return told
