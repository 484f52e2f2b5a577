"""Queues reminders for recipients who did not use their links, and has operators told."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
COLUMNS = ("pk", "dataset", "project", "state", "starts_at", "expires_at", "answer", "reminded", "last_slot")
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
    links one query, and where reminders are due one INSERT for each slot; memory flat.
    """
    rows = all_policies()
    policies = {project: policy_of(row) for project, row in rows.items()}
    queued = 0
    for links in _windows(now):
        reminded = list(_decide(links, now, policies))
        if reminded:  # as almost never: nobody else has to wait for a transaction that writes nothing
            queued += _queue(reminded, rows, now)
    if queued:
        enqueue("portal.tasks.send_due_mail_task")
    return queued


def links_due(*, now: datetime) -> list[int]:
    """The ids of the links for which :func:`remind_recipients` would queue a reminder, in order."""
    policies = {project: policy_of(row) for project, row in all_policies().items()}
    return [one.link for links in _windows(now) for one in _decide(links, now, policies)]


def _windows(now: datetime) -> Iterator[QuerySet[ShareLink]]:
    """All links that may want a reminder, by ranges of ids from the oldest open one."""
    ends = ShareLink.objects.open(now).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is not None:
        for begin in range(ends["first"], ends["last"] + 1, WINDOW):
            links = links_to_remind(now).filter(pk__gte=begin, pk__lt=begin + WINDOW)
            yield unreminded(links, now)


def _decide(links: QuerySet[ShareLink], now: datetime, policies: Mapping[int, Policy]) -> Iterator[Reminded]:
    for row in links.order_by("pk").values_list(*COLUMNS, named=True):
        facts = LinkFacts(
            row.starts_at,
            row.expires_at,
            answered=bool(row.answer),
            used=USED[row.state],
            reminded=row.reminded,
            last_day=day_of_slot(row.last_slot),
        )
        policy = policies.get(row.project)  # none for a project that was made a moment ago
        slot = due(now, policy, facts) if policy else None
        if slot is not None:
            yield Reminded(row.pk, row.dataset, row.project, slot.day)


def _queue(reminded: Sequence[Reminded], rows: Mapping[int, ReminderPolicy], now: datetime) -> int:
    by_day: dict[int, list[int]] = defaultdict(list)
    for one in reminded:
        by_day[one.day].append(one.link)
    with transaction.atomic():
        tell_operators(reminded, rows, now)
        return sum(_queue_slot(slot_name(day), links) for day, links in by_day.items())


def _queue_slot(slot: str, links: list[int]) -> int:
    return queue_for_each(
        REMINDER,
        ShareLink.objects.filter(pk__in=links),
        to=F("recipient"),
        subject_id=Cast("pk", CharField()),
        slot=Value(slot),
        dataset_id=F("dataset_id"),
    )
