"""For load balancers: ``/healthz`` says the process answers, ``/readyz`` that its database and folders do.

``/readyz`` names besides what a site can do without for a while: the cache, the worker, the scheduler.
"""

import os
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.heartbeats import pulses


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """503 when a part without which nothing works is down. The others are only named, since uploads and pages go on:
    a balancer that took the portal away for a stopped worker would make two faults of one."""
    parts = {"database": _works(_ask_database), "files": _works(_files_writable), "cache": _works(_ask_cache)}
    needed = parts["database"] and parts["files"]
    words = {name: "ok" if works else "down" for name, works in parts.items()}
    heard = _heard() if parts["database"] else {}
    return JsonResponse({"ready": needed, **words, **heard}, status=200 if needed else 503)


def _heard() -> dict[str, str | int | None]:
    """``ok``, ``late`` or ``never``, and the seconds since the last heartbeat. Cost: one query."""
    told: dict[str, str | int | None] = {}
    for pulse in pulses(timezone.now()):
        told |= {pulse.kind: pulse.state, f"{pulse.kind}_seconds": pulse.seconds}
    return told


def _works(question: Callable[[], object]) -> bool:
    try:
        question()
    except Exception:  # noqa: BLE001  (whatever a driver raises, the answer is "down")
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_cache() -> None:
    cache.get("readyz")


def _files_writable() -> None:
    for folder in (settings.FILES_ROOT, settings.STAGING_ROOT):
        if not os.access(folder, os.W_OK):
            raise PermissionError(folder)
