"""Which links want a reminder, and for which slot: the n-th interval since the link's start."""

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, NullIf
from django.db.models.sql.compiler import SQLCompiler

from portal.models import Dataset, Notice, User
from sharing.models import ShareLink

REMINDER = "reminder"
DAY = 86_400  # seconds
TAKEN = Q(state__in=[ShareLink.State.STARTED, ShareLink.State.PARTIAL, *ShareLink.WHOLE])


class SecondsSince(Func):
    """Whole seconds from the moment in a column until ``now``; parts of a second are cut off on both sides."""

    output_field = BigIntegerField()

    def __init__(self, moment: F, now: datetime) -> None:
        super().__init__(moment)
        self.extra["now"] = int(now.timestamp())

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(%(now)s - CAST(strftime('%%%%s', %(expressions)s) AS INTEGER))", **context
        )

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(%(now)s - floor(extract(epoch from %(expressions)s))::bigint)", **context
        )


def links_to_remind(now: datetime) -> QuerySet[ShareLink]:
    """Open links of released datasets whose recipient has taken nothing, in projects that remind; with ``every``, the
    days between two reminders.

    Who has several links to a dataset is reminded of the newest, and of none once something was taken with any.
    Datasets and projects are looked up link by link: a join would let SQLite begin with all datasets of the portal.
    """
    links = ShareLink.objects.open(now).untaken()
    siblings = ShareLink.objects.filter(dataset=OuterRef("dataset"), recipient=OuterRef("recipient"))
    newer = Q(pk__gt=OuterRef("pk"), starts_at__lte=now, expires_at__gt=now, revoked_at__isnull=True)
    return links.annotate(every=of_released_dataset("project__reminder_days")).filter(
        ~Exists(User.objects.filter(pk=OuterRef("created_by"), is_active=False)),  # their links do not work
        ~Exists(siblings.filter(TAKEN | newer)),
        every__gt=0,
    )


def of_released_dataset(field: str) -> Subquery:
    """A column of a link's dataset, or of its project; NULL unless the dataset is released."""
    datasets = Dataset.objects.filter(pk=OuterRef("dataset"), state=Dataset.State.RELEASED)
    return Subquery(datasets.order_by().values(field))


def unreminded(links: QuerySet[ShareLink], now: datetime) -> QuerySet[ShareLink]:
    """Those of ``links`` in their first slot or a later one that had no reminder in it, with ``slot``: a number.

    Slots that passed while nobody looked are passed over: after three weeks there is one reminder, not three.
    """
    slot = SecondsSince(F("starts_at"), now) / NullIf(F("every") * DAY, 0)
    reminded = Notice.objects.filter(
        kind=REMINDER, subject_id=Cast(OuterRef("pk"), CharField()), slot=Cast(OuterRef("slot"), CharField())
    )
    return links.annotate(slot=slot).filter(~Exists(reminded), slot__gte=1)
