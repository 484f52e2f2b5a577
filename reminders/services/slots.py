"""Which links want a reminder, and for which slot: the n-th interval since the link's start."""

from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, CharField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, NullIf
from django.db.models.sql.compiler import SQLCompiler

from portal.models import Dataset, Notice
from sharing.models import ShareLink

REMINDER = "reminder"
DAY = 86_400  # seconds
TAKEN = Q(state__in=[ShareLink.State.STARTED, ShareLink.State.COMPLETE])


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
    """Open links of released datasets whose recipient has taken nothing, in projects that remind.

    Who has several links to a dataset is reminded of the newest, and of none once something was taken with any.
    """
    links = ShareLink.objects.open(now).untaken()
    siblings = ShareLink.objects.filter(dataset=OuterRef("dataset"), recipient=OuterRef("recipient"))
    newer = Q(pk__gt=OuterRef("pk"), starts_at__lte=now, expires_at__gt=now, revoked_at__isnull=True)
    return links.filter(
        Q(created_by__isnull=True) | Q(created_by__is_active=True),  # links of a disabled account do not work
        ~Exists(siblings.filter(TAKEN | newer)),
        dataset__state=Dataset.State.RELEASED,
        dataset__project__reminder_days__gt=0,
    )


def unreminded(links: QuerySet[ShareLink], now: datetime) -> QuerySet[ShareLink]:
    """Those of ``links`` in their first slot or a later one that had no reminder in it, with ``slot``: a number.

    Slots that passed while nobody looked are passed over: after three weeks there is one reminder, not three.
    """
    interval = NullIf(F("dataset__project__reminder_days") * DAY, 0)
    slot = SecondsSince(F("starts_at"), now) / interval
    reminded = Notice.objects.filter(
        kind=REMINDER, subject_id=Cast(OuterRef("pk"), CharField()), slot=Cast(OuterRef("slot"), CharField())
    )
    return links.annotate(slot=slot).filter(~Exists(reminded), slot__gte=1)
