"""Many links of a dataset are made longer at once: one UPDATE, one audit event a link, a mail to whose had ended."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When

from portal.actors import Actor
from portal.errors import Invalid
from portal.models import Dataset
from portal.outbox import new_notice, queue_notices
from sharing import events
from sharing.errors import NotReleased
from sharing.models import LONGEST_DAYS, ShareLink
from sharing.services.data_ends import data_end
from sharing.services.renewals import note_given
from sharing.services.terms import slot_of_again

TICKED, OPEN, ENDED = "ticked", "open", "ended"
WHICH = (TICKED, OPEN, ENDED)

_End = tuple[ShareLink, datetime]


@dataclass(frozen=True, slots=True)
class Extension:
    """By `days`, counted from the end of a link that works and from now for one that does not; or up to `until`."""

    days: int | None = None
    until: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raises Invalid."""
        if (self.days is None) == (self.until is None):
            raise Invalid("Say either by how many days, or until when.")
        if self.days is not None and not 1 <= self.days <= LONGEST_DAYS:
            raise Invalid(f"Extend by 1 to {LONGEST_DAYS} days.")
        if self.until is not None and self.until <= now:
            raise Invalid("The links would end at once. Choose a later day.")

    def end_of(self, link: ShareLink, now: datetime) -> datetime:
        """When `link` ends then, never earlier than it does."""
        if self.days is not None:
            return max(link.expires_at, now) + timedelta(days=self.days)
        return max(link.expires_at, self.until or now)

    def expression(self, now: datetime) -> Case | Value:
        """As :meth:`end_of`, in the database, for links that end earlier than `until`."""
        if self.days is None:
            return Value(self.until, DateTimeField())
        more = timedelta(days=self.days)
        longer = ExpressionWrapper(F("expires_at") + more, output_field=DateTimeField())
        return Case(When(expires_at__gt=now, then=longer), default=Value(now + more, DateTimeField()))


@dataclass(frozen=True, slots=True)
class Extended:
    """How many links became longer. `data_end`: when their data are deleted, if that is why some did not get it all."""

    count: int
    data_end: datetime | None


def extend_links(
    *, dataset: Dataset, which: str, ticked: Collection[int] = (), extension: Extension, actor: Actor, now: datetime
) -> Extended:
    """Of those `ticked` or of all that are OPEN or have ENDED. Revoked ones stay as they are, none outlives its data.

    Raises Invalid, NotReleased. Cost: the same number of queries for any number of links (INSERTs of 500 rows each).
    """
    extension.check(now)
    if which not in WHICH or (which == TICKED and not ticked):
        raise Invalid("Choose the links: tick some, or all that work, or all that have ended.")
    with transaction.atomic():
        # Its key stays free: whoever holds a link and queues a mail about the dataset need not wait for each other.
        kept = Dataset.objects.select_for_update(of=("self",), no_key=True).select_related("project")
        locked = kept.get(pk=dataset.pk)
        if not locked.may_be_shared:
            raise NotReleased("The data of these links are no longer kept. Nothing can be downloaded with them.")
        end, links = data_end(locked, now), list(_chosen(locked, _condition(which, ticked, now), extension))
        cut = [link for link in links if end and end.cuts(link.recipient, extension.end_of(link, now))]
        cut_ids = {link.pk for link in cut}
        longer = [(link, extension.end_of(link, now)) for link in links if link.pk not in cut_ids]
        _of(longer).update(expires_at=extension.expression(now), expiry_noted_at=None)
        if end and cut:
            shorter = [(link, end.at) for link in cut if end.at > max(link.expires_at, now)]
            _of(shorter).update(expires_at=end.at, expiry_noted_at=None)
            longer += shorter
        _tell(longer, locked, actor, now)
        events.links_extended(locked, longer, actor)
    return Extended(len(longer), end.at if end and cut else None)


def _chosen(dataset: Dataset, condition: Q, extension: Extension) -> QuerySet[ShareLink]:
    chosen = ShareLink.objects.select_for_update(of=("self",)).filter(condition, dataset=dataset)
    if extension.until is not None:
        chosen = chosen.filter(expires_at__lt=extension.until, starts_at__lt=extension.until)
    return chosen.order_by("pk")


def _of(ends: list[_End]) -> QuerySet[ShareLink]:
    return ShareLink.objects.filter(pk__in=[link.pk for link, _ in ends])


def counts_of(dataset: Dataset, now: datetime) -> dict[str, int]:
    """How many links each of OPEN and ENDED stands for. Cost: two counts."""
    return {which: dataset.share_links.filter(_condition(which, (), now)).count() for which in (OPEN, ENDED)}


def _condition(which: str, ticked: Collection[int], now: datetime) -> Q:
    conditions = {TICKED: Q(pk__in=ticked), OPEN: Q(expires_at__gt=now), ENDED: Q(expires_at__lte=now)}
    return conditions[which] & Q(revoked_at=None)


def _tell(longer: list[_End], dataset: Dataset, actor: Actor, now: datetime) -> None:
    """Those whose links had ended; whoever of them had asked has got an answer."""
    ended = [(link, until) for link, until in longer if link.expires_at <= now]
    if not ended:
        return
    for end in {until for _, until in ended}:  # two at most: what was asked for, and the end of the data
        note_given([link.pk for link, until in ended if until == end], until=end, actor=actor, now=now)
    queue_notices(
        new_notice("dataset-ready", link.recipient, subject_id=link.pk, slot=slot_of_again(now), dataset=dataset)
        for link, _ in ended
    )
