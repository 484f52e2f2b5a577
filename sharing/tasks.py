"""The doors through which workers come in. The work itself stands in the database."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from sharing.layouts import lay_out_ahead, sweep_layouts
from sharing.services.dispatch import dispatch_dataset, dispatch_forgotten
from sharing.services.killed_servers import settle_dead_processes
from sharing.services.unended import forget_unended


@shared_task(soft_time_limit=110, time_limit=120)  # type: ignore[untyped-decorator]
def dispatch_dataset_task(dataset_id: str) -> None:
    dispatch_dataset(dataset_id=UUID(dataset_id), now=timezone.now())


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def lay_out_dataset_task(dataset_id: str) -> None:
    lay_out_ahead(UUID(dataset_id))


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def sweep_task() -> None:
    dispatch_forgotten(now=timezone.now())
    settle_dead_processes(now=timezone.now())
    sweep_layouts(timezone.now())
    forget_unended(timezone.now())
