"""The doors through which workers come in. The work itself stands in the database."""

from celery import shared_task
from django.utils import timezone

from uploads.services.older_versions import remove_older_versions, remove_stray_versions
from uploads.services.silence import tell_silent_agents
from uploads.services.sweep import expire_uploads, forget_ended_uploads, remove_strays
from uploads.services.work import sweep, verify_waiting

_DAY = 86_400  # seconds; a file of 20 TB takes hours to read back


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def verify_task() -> None:
    verify_waiting(clock=timezone.now)


@shared_task(soft_time_limit=_DAY - 60, time_limit=_DAY)  # type: ignore[untyped-decorator]
def sweep_task() -> None:
    sweep(clock=timezone.now)


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def expire_uploads_task() -> None:
    now = timezone.now()
    expire_uploads(now=now)
    forget_ended_uploads(now=now)
    remove_strays(now=now)


@shared_task(soft_time_limit=3500, time_limit=3600)  # type: ignore[untyped-decorator]
def remove_older_versions_task() -> None:
    remove_older_versions()
    remove_stray_versions()


@shared_task(soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def silent_agents_task() -> None:
    tell_silent_agents(now=timezone.now())
