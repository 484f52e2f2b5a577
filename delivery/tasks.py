"""The doors through which workers come in. The work itself stands in the database."""

from celery import shared_task
from django.utils import timezone

from delivery.services.copying import copy_waiting, make_copy

_DAY = 86_400  # seconds; a turn takes minutes, but a file of 20 TB takes hours


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def copy_task(copy_id: int) -> None:
    make_copy(copy_id, clock=timezone.now)


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def sweep_copies_task() -> None:
    copy_waiting(clock=timezone.now)
