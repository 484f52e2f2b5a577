"""The doors through which workers come in. The work itself stands in the database."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from portal.bounce_mailbox import read_returned_mail
from portal.digests import forget_old_lines
from portal.mail_sending import send_due_mail
from portal.storage_days import measure_day
from portal.storage_mail import queue_storage_reports


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def send_due_mail_task() -> None:
    send_due_mail(clock=timezone.now)


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def read_returned_mail_task() -> None:
    if settings.BOUNCE_MAILBOX:
        read_returned_mail(url=settings.BOUNCE_MAILBOX, now=timezone.now())


@shared_task(soft_time_limit=110, time_limit=120)  # type: ignore[untyped-decorator]
def forget_digests_task() -> None:
    forget_old_lines(timezone.now())


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def measure_storage_task() -> None:
    measure_day(timezone.now())


@shared_task(soft_time_limit=110, time_limit=120)  # type: ignore[untyped-decorator]
def storage_report_task() -> None:
    queue_storage_reports(timezone.now())
