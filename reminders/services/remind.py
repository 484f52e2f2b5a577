"""Queues reminders for recipients who have taken nothing, and copies of them for operators."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, F, Max, Min, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from portal.models import Project
from portal.outbox_from_query import queue_for_each
from portal.queue import enqueue
from reminders.services.slots import REMINDER, links_to_remind, of_released_dataset, unreminded
from sharing.models import ShareLink

COPY = "reminder-copy"
WINDOW = 20_000  # ids looked at in one transaction, so that others need not wait

Copies = Project.CopyReminders
# What a member sent in the browser came with no token: then the project is told.
TO_PROJECT = Q(copy_to=Copies.PROJECT) | Q(copy_to=Copies.TOKEN, of_token=[])
TO_TOKEN = Q(copy_to=Copies.TOKEN) & ~Q(of_token=[])


def remind_recipients(*, now: datetime) -> int:
    """Queues what is wanted at ``now`` and was not queued before; the number of reminders, copies not counted.

    Safe to run twice and at the same time: a slot has one reminder by the outbox's own rule. Cost: for each 20 000
    links one query, and up to three statements where a reminder is due; all of it inside the database, memory flat.
    """
    copies = Project.objects.filter(reminder_days__gt=0).exclude(copy_reminders_to=Copies.NOBODY).exists()
    queued = sum(_remind_window(links, now, copies) for links in _windows(now))
    if queued:
        enqueue("portal.tasks.send_due_mail_task")
    return queued


def recipients_to_remind(*, now: datetime) -> QuerySet[ShareLink]:
    """The links for which :func:`remind_recipients` would queue a reminder, with the number of their ``slot``."""
    return unreminded(links_to_remind(now), now).select_related("dataset")


def _windows(now: datetime) -> Iterator[QuerySet[ShareLink]]:
    """All links that want a reminder, by ranges of ids from the oldest open one."""
    ends = ShareLink.objects.open(now).untaken().aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is not None:
        for begin in range(ends["first"], ends["last"] + 1, WINDOW):
            yield links_to_remind(now).filter(pk__gte=begin, pk__lt=begin + WINDOW)


def _remind_window(links: QuerySet[ShareLink], now: datetime, copies: bool) -> int:
    wanted = unreminded(links, now)
    if not wanted.exists():  # as almost always: then nobody has to wait for a transaction that writes
        return 0
    with transaction.atomic():
        if copies:  # first, as a link that has its reminder is not found again
            _copy_to_operators(wanted)
        return _queue(REMINDER, wanted, F("recipient"))


def _copy_to_operators(wanted: QuerySet[ShareLink]) -> None:
    copied = wanted.annotate(
        copy_to=of_released_dataset("project__copy_reminders_to"), of_token=of_released_dataset("operator_emails")
    )
    _queue(COPY, copied.filter(TO_PROJECT), of_released_dataset("project__contact_email"))
    _queue(COPY, copied.filter(TO_TOKEN), F("of_token"), to_is_list=True)


def _queue(kind: str, links: QuerySet[ShareLink], to: Combinable, *, to_is_list: bool = False) -> int:
    return queue_for_each(
        kind,
        links,
        to=to,
        subject_id=Cast("pk", CharField()),
        slot=Cast("slot", CharField()),
        dataset_id=F("dataset_id"),
        to_is_list=to_is_list,
    )
