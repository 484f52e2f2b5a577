"""Queues reminders for recipients who have taken nothing, and copies of them for operators."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import CharField, F, Max, Min, Q, QuerySet
from django.db.models.functions import Cast

from portal.models import Project
from portal.outbox_from_query import queue_for_each
from portal.queue import enqueue
from reminders.services.slots import REMINDER, links_to_remind, unreminded
from sharing.models import ShareLink

COPY = "reminder-copy"
WINDOW = 20_000  # ids looked at in one transaction, so that others need not wait

Copies = Project.CopyReminders
TO_PROJECT = Q(dataset__project__copy_reminders_to=Copies.PROJECT) | Q(
    dataset__project__copy_reminders_to=Copies.TOKEN, dataset__operator_emails=[]
)  # what a member sent in the browser came with no token
TO_TOKEN = Q(dataset__project__copy_reminders_to=Copies.TOKEN) & ~Q(dataset__operator_emails=[])


def remind_recipients(*, now: datetime) -> int:
    """Queues what is wanted at ``now`` and was not queued before; the number of reminders, copies not counted.

    Safe to run twice and at the same time: a slot has one reminder by the outbox's own rule. Cost: for each 20 000
    links three statements that run inside the database; memory flat.
    """
    queued = sum(_remind_window(links, now) for links in _windows(now))
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


def _remind_window(links: QuerySet[ShareLink], now: datetime) -> int:
    """Copies come first: a link that has its reminder is not found again."""
    wanted = unreminded(links, now)
    with transaction.atomic():
        _queue(COPY, wanted.filter(TO_PROJECT), F("dataset__project__contact_email"))
        _queue(COPY, wanted.filter(TO_TOKEN), F("dataset__operator_emails"), to_is_list=True)
        return _queue(REMINDER, wanted, F("recipient"))


def _queue(kind: str, links: QuerySet[ShareLink], to: F, *, to_is_list: bool = False) -> int:
    return queue_for_each(
        kind,
        links,
        to=to,
        subject_id=Cast("pk", CharField()),
        slot=Cast("slot", CharField()),
        dataset_id=F("dataset_id"),
        to_is_list=to_is_list,
    )
