"""The doors through which workers come in. The work itself stands in the database."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from keeping.services.copies import make_copies, remove_left
from keeping.services.purging import purge_deleted
from keeping.services.rereading import look_at_file, reread_by_the_clock
from keeping.services.retention import keep_by_the_clock
from keeping.services.second_copies import plan_second_copies, remove_unfinished

_DAY = 86_400  # seconds; a file of 20 TB takes hours to copy


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def copy_task() -> None:
    plan_second_copies()
    make_copies(clock=timezone.now)
    remove_left(clock=timezone.now)


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def reread_task() -> None:
    if settings.REREAD_DAYS:
        reread_by_the_clock(days=settings.REREAD_DAYS, clock=timezone.now)


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def examine_task(file_id: int) -> None:
    look_at_file(file_id, clock=timezone.now)


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def remove_unfinished_task() -> None:
    remove_unfinished(now=timezone.now())


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def retention_task() -> None:
    keep_by_the_clock(clock=timezone.now)


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def purge_task() -> None:
    purge_deleted(clock=timezone.now)
