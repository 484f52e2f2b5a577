"""Finding events among ten million: every filter has an index that also gives the order, and dates become id bounds."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from portal.models import AuditEvent, Dataset

# Events are stored in the order of their commits, which is that of their times but for the length of a transaction.
OUT_OF_ORDER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AuditWish:
    """What to look for; empty fields do not matter. ``person`` and ``dataset`` are exact, ``until`` is not included."""

    person: str = ""
    project: str = ""
    dataset: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def without_days(self) -> "AuditWish":
        return replace(self, since=None, until=None)


def search_audit(wish: AuditWish) -> QuerySet[AuditEvent]:
    """The events of ``wish``, to be ordered by id. Cost: one index look-up for each date and for the dataset."""
    events = AuditEvent.objects.all()
    if wish.person:
        events = events.filter(actor=wish.person)
    if wish.project:
        events = events.filter(project=wish.project)
    if wish.kind:
        events = events.filter(kind=wish.kind)
    if wish.dataset:
        events = events.filter(dataset_id=_dataset_id(wish.dataset))
    return in_period(events, wish.since, wish.until)


def in_period(events: QuerySet[AuditEvent], since: datetime | None, until: datetime | None) -> QuerySet[AuditEvent]:
    """Those from ``since`` until before ``until``. Bounds on the id let the walk begin and end at the right rows.

    What is more than ``OUT_OF_ORDER`` older than an event was stored before it.
    """
    by_time = AuditEvent.objects.order_by("at").values_list("pk", flat=True)
    if since:
        events = events.filter(at__gte=since)
        if (before := by_time.filter(at__lt=since - OUT_OF_ORDER).last()) is not None:
            events = events.filter(pk__gt=before)
    if until:
        events = events.filter(at__lt=until)
        if (beyond := by_time.filter(at__gte=until + OUT_OF_ORDER).first()) is not None:
            events = events.filter(pk__lt=beyond)
    return events


def _dataset_id(text: str) -> UUID | None:
    """By id, or by the readable name; a dataset that is not there has no events."""
    try:
        return UUID(text)
    except ValueError:
        return Dataset.objects.filter(name=text).values_list("pk", flat=True).first() or UUID(int=0)
