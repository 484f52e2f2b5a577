"""The doors through which workers come in. The work itself stands in the database."""

from celery import shared_task
from django.utils import timezone

from reminders.services.remind import remind_recipients
from sharing.services.expiry import note_expired_links


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def remind_task() -> None:
    remind_recipients(now=timezone.now())


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def expire_links_task() -> None:
    note_expired_links(now=timezone.now())
