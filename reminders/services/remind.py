"""Queues reminders for recipients who did not use their links, and has operators told."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, F, Max, Min, QuerySet, Value
from django.db.models.functions import Cast

from portal.outbox_from_query import queue_for_each
from portal.queue import enqueue
from reminders.due import LinkFacts, Policy, Used, due
from reminders.models import ReminderPolicy
from reminders.services.copies import Reminded, tell_operators
from reminders.services.policies import all_policies, policy_of
from reminders.services.slots import REMINDER, day_of_slot, links_to_remind, slot_name, unreminded
from sharing.models import ShareLink

WINDOW = 20_000  # ids looked at in one transaction, so that others need not wait

USED = {
    ShareLink.State.NOT_OPENED: Used.NOT,
    ShareLink.State.OPENED: Used.NOT,
    ShareLink.State.STARTED: Used.PARTLY,
    ShareLink.State.PARTIAL: Used.PARTLY,
    ShareLink.State.COMPLETE: Used.WHOLE,
    ShareLink.State.VERIFIED: Used.WHOLE,
}


def remind_recipients(*, now: datetime) -> int:
    """Queues what is wanted at ``now`` and was not queued before; the number of reminders, copies not counted.

    Safe to run twice and at the same time: a slot has one reminder by the outbox's own rule. Cost: for each 20 000
    links one query, and where a reminder is due one INSERT for each day of a link's life; memory flat.
    """
    rows = all_policies()
    queued = sum(_remind_window(links, now, rows) for links in _windows(now))
    if queued:
        enqueue("portal.tasks.send_due_mail_task")
    return queued


def links_due(*, now: datetime) -> list[int]:
    """The ids of the links for which :func:`remind_recipients` would queue a reminder, in order."""
    rows = all_policies()
    return [one.link for links in _windows(now) for one in _decide(links, now, rows)]


def _windows(now: datetime) -> Iterator[QuerySet[ShareLink]]:
    """All links that may want a reminder, by ranges of ids from the oldest open one."""
    ends = ShareLink.objects.open(now).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is not None:
        for begin in range(ends["first"], ends["last"] + 1, WINDOW):
            links = links_to_remind(now).filter(pk__gte=begin, pk__lt=begin + WINDOW)
            yield unreminded(links, now)


def _remind_window(links: QuerySet[ShareLink], now: datetime, rows: Mapping[int, ReminderPolicy]) -> int:
    reminded = list(_decide(links, now, rows))
    if not reminded:  # as almost always: then nobody has to wait for a transaction that writes
        return 0
    with transaction.atomic():
        tell_operators(reminded, rows, now)
        return _queue(reminded)


def _decide(links: QuerySet[ShareLink], now: datetime, rows: Mapping[int, ReminderPolicy]) -> Iterator[Reminded]:
    policies: dict[int, Policy] = {project: policy_of(row) for project, row in rows.items()}
    columns = ("pk", "dataset", "project", "state", "starts_at", "expires_at", "reminded", "last_slot")
    for pk, dataset, project, state, starts_at, ends_at, reminded, last in links.order_by("pk").values_list(*columns):
        if project not in policies:  # it was made a moment ago
            continue
        facts = LinkFacts(starts_at, ends_at, used=USED[state], reminded=reminded, last_day=day_of_slot(last))
        slot = due(now, policies[project], facts)
        if slot is not None:
            yield Reminded(pk, dataset, project, slot.day)


def _queue(reminded: list[Reminded]) -> int:
    by_day: dict[int, list[int]] = defaultdict(list)
    for one in reminded:
        by_day[one.day].append(one.link)
    return sum(
        queue_for_each(
            REMINDER,
            ShareLink.objects.filter(pk__in=links),
            to=F("recipient"),
            subject_id=Cast("pk", CharField()),
            slot=Value(slot_name(day)),
            dataset_id=F("dataset_id"),
        )
        for day, links in by_day.items()
    )
