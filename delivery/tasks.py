"""The doors through which workers come in. The work itself stands in the database."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from delivery.services.copying import copy_waiting, make_copy
from delivery.services.hook_calls import tell_next
from delivery.services.push_begin import push_arriving, push_released
from delivery.services.pushing import push_next
from portal.queue import enqueue

_DAY = 86_400  # seconds; a turn takes minutes, but a file of 20 TB takes hours


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def copy_task(copy_id: int) -> None:
    make_copy(copy_id, clock=timezone.now)


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def sweep_copies_task() -> None:
    copy_waiting(clock=timezone.now)


@shared_task(soft_time_limit=110, time_limit=120)  # type: ignore[untyped-decorator]
def push_released_task(dataset_id: str) -> None:
    push_released(UUID(dataset_id))
    enqueue("delivery.tasks.push_task")


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def push_task() -> None:
    """One turn; then the bell again, so that other work in the queue comes between."""
    push_released()
    push_arriving(now=timezone.now())
    if push_next(clock=timezone.now):
        enqueue("delivery.tasks.push_task")


@shared_task(soft_time_limit=280, time_limit=300)  # type: ignore[untyped-decorator]
def hook_task() -> None:
    if tell_next(clock=timezone.now):
        enqueue("delivery.tasks.hook_task")
