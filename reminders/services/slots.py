"""Which links may be due a reminder, as a query: all that are, and few others. :mod:`reminders.due` decides."""

from datetime import datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Concat, NullIf
from django.db.models.sql.compiler import SQLCompiler

from portal.models import Dataset, Notice, User
from reminders.due import DAY
from reminders.models import ReminderPolicy
from sharing.models import ShareLink
from sharing.undelivered import ENDS, LINK_MAILS

REMINDER = "reminder"
# A slot comes at the same hour by the clocks of a place, here days are 24 hours: changed clocks make a day shorter.
MARGIN = timedelta(hours=3)
ANSWERED_NOTHING = Q(answer=ShareLink.Answer.NONE)
UNTAKEN = Q(state__in=[ShareLink.State.NOT_OPENED, ShareLink.State.OPENED])
PARTLY = Q(state__in=[ShareLink.State.STARTED, ShareLink.State.PARTIAL])
WHOLE = Q(state__in=ShareLink.WHOLE)
WEEK = 7  # days, as the policy of a project that has none
POLICY = "project__reminder_policy__"


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


def slot_name(day: int) -> str:
    """As the outbox holds it."""
    return f"day {day}"


def day_of_slot(name: str | None) -> int | None:
    """None for no slot, and for the name of another age."""
    number = (name or "").removeprefix("day ")
    return int(number) if number.isdecimal() else None


def links_to_remind(now: datetime) -> QuerySet[ShareLink]:
    """Open links of released datasets whose recipient did not use them, in projects that remind; with ``project``, and
    ``every``, the days between two reminders.

    Who has several links to a dataset is reminded of the newest, and of none once something was taken with any, or
    they said with any that no reminder is needed. Where the newest mail did not arrive, the next one would not either.
    Datasets and projects are looked up link by link: a join would let SQLite begin with all datasets of the portal.
    """
    links = ShareLink.objects.open(now).annotate(project=of_released_dataset("project_id"), every=_every())
    mild = Exists(Dataset.objects.filter(pk=OuterRef("dataset"), project__reminder_policy__partial_is_used=False))
    siblings = ShareLink.objects.filter(dataset=OuterRef("dataset"), recipient=OuterRef("recipient"))
    newer = Q(pk__gt=OuterRef("pk"), starts_at__lte=now, expires_at__gt=now, revoked_at__isnull=True)
    return links.filter(
        ANSWERED_NOTHING,
        UNTAKEN | PARTLY & Q(mild),
        ~Exists(User.objects.filter(pk=OuterRef("created_by"), is_active=False)),  # their links do not work
        ~Exists(siblings.filter(WHOLE | PARTLY & ~Q(mild) | ~ANSWERED_NOTHING | newer)),
        ~Exists(_undelivered()),
        every__gt=0,
    )


def _undelivered() -> QuerySet[Notice]:
    """Of a link, its newest mail that was tried, if that did not arrive; as ``sharing.undelivered`` has it. Without an
    order, so that PostgreSQL does not walk the outbox backwards for each link."""
    mails = Notice.objects.filter(kind__in=LINK_MAILS).order_by()
    newer = mails.filter(subject_id=OuterRef("subject_id"), pk__gt=OuterRef("pk"), state__in=ENDS)
    of_link = mails.filter(subject_id=Cast(OuterRef("pk"), CharField()), state__in=Notice.UNDELIVERED)
    return of_link.filter(~Exists(newer))


def of_released_dataset(field: str | Combinable) -> Subquery:
    """A column of a link's dataset, or of its project; NULL unless the dataset is released."""
    datasets = Dataset.objects.filter(pk=OuterRef("dataset"), state=Dataset.State.RELEASED).order_by()
    return Subquery(datasets.annotate(wanted=field if isinstance(field, Combinable) else F(field)).values("wanted"))


def unreminded(links: QuerySet[ShareLink], now: datetime) -> QuerySet[ShareLink]:
    """Those of ``links`` in a slot that had no reminder, or nearly in it; with ``reminded`` and ``last_slot``.

    Slots that passed while nobody looked are passed over: after three weeks there is one reminder, not three.
    """
    mine = Notice.objects.filter(kind=REMINDER, subject_id=Cast(OuterRef("pk"), CharField())).order_by()
    in_slot = mine.filter(slot=Concat(Value("day "), Cast(OuterRef("slot"), CharField())))
    sent = mine.exclude(state=Notice.State.DROPPED).values("kind").annotate(count=Count("pk")).values("count")
    links = links.annotate(
        days_before=of_released_dataset(Coalesce(F(f"{POLICY}days_before"), Value(""))),
        slot=_slot(now + MARGIN),
        reminded=Coalesce(Subquery(sent), 0),
        last_slot=Subquery(mine.order_by("-id").values("slot")[:1]),
    ).filter(~Exists(in_slot), slot__gte=1)
    if not ReminderPolicy.objects.filter(most__isnull=False).exists():  # a question less for each link
        return links
    links = links.annotate(most=of_released_dataset(f"{POLICY}most"))
    return links.filter(Q(most__isnull=True) | Q(reminded__lt=F("most")))


def _every() -> Subquery:
    """The interval; 0 where nobody is reminded."""
    never = When(**{f"{POLICY}reminds": False}, then=Value(0))
    days = Coalesce(F(f"{POLICY}every_days"), Value(WEEK), output_field=BigIntegerField())
    return of_released_dataset(Case(never, default=days, output_field=BigIntegerField()))


def _slot(at: datetime) -> Combinable:
    """The day of the newest slot before ``at``; NULL or less than 1 before the first."""
    by_interval = SecondsSince(F("starts_at"), at) / NullIf(F("every") * DAY, 0) * F("every")
    policies = ReminderPolicy.objects.filter(reminds=True).exclude(days_before="")
    lists = policies.order_by().values_list("days_before", flat=True).distinct()
    whens = [When(days_before=text, then=_before_the_end(text, at)) for text in lists]
    return Case(*whens, default=by_interval, output_field=BigIntegerField()) if whens else by_interval


def _before_the_end(days_before: str, at: datetime) -> Case:
    life = (SecondsSince(F("starts_at"), at) - SecondsSince(F("expires_at"), at)) / DAY
    days = sorted(int(day) for day in days_before.split(", "))
    return Case(
        *[When(expires_at__lte=at + timedelta(days=day), then=life - day) for day in days],
        default=None,
        output_field=BigIntegerField(),
    )
