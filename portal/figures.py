"""The figures of the facility's day. Rooms bring their own: functions named in ``settings.STAFF_FIGURES``."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.addresses import address_if_any
from portal.models import Dataset, Instrument, Notice
from portal.templatetags.quantities import size_text, thin

NEARLY_FULL = 0.1
HEARD_LATELY = timedelta(hours=1)
STUCK_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name. ``tone``: ``ok``, ``warn``, ``bad`` or empty; ``url`` leads to what it counts."""

    label: str
    value: str
    note: str = ""
    url: str = ""
    tone: str = ""


FigureFunction = Callable[[datetime], list[Figure]]


def staff_figures(now: datetime) -> list[Figure]:
    functions: list[FigureFunction] = [import_string(name) for name in settings.STAFF_FIGURES]
    return [figure for function in functions for figure in function(now)]


def datasets_today(now: datetime) -> list[Figure]:
    """Since midnight of the reader's zone."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Dataset.objects.filter(created_at__gte=midnight).aggregate(n=Count("pk"), size=Sum("bytes_verified"))
    waiting = Dataset.objects.filter(state__in=["open", "closed"]).aggregate(
        open=Count("pk", filter=Q(state="open")),
        stuck=Count("pk", filter=Q(state="closed", closed_at__lt=now - STUCK_AFTER)),
        corrupt=Count("pk", filter=Q(corrupt_count__gt=0)),
    )
    return [
        Figure("Datasets today", thin(today["n"]), f"{size_text(today['size'] or 0)} verified"),
        Figure("Open now", thin(waiting["open"]), "still receiving"),
        Figure(
            "Closed, not released",
            thin(waiting["stuck"]),
            "for more than an hour",
            tone="warn" if waiting["stuck"] else "",
        ),
        Figure(
            "With corrupt files", thin(waiting["corrupt"]), "to be sent again", tone="bad" if waiting["corrupt"] else ""
        ),
    ]


def undelivered(now: datetime) -> list[Figure]:
    """Released, but no links and mails were made; and mails that did not go out, or came back."""
    unsent = Dataset.objects.filter(
        state=Dataset.State.RELEASED, dispatched_at=None, released_at__lt=now - STUCK_AFTER
    ).count()
    mails = Notice.objects.filter(state__in=Notice.STUCK).count()
    return [
        Figure("Released, not handed over", thin(unsent), "no links were made", tone="warn" if unsent else ""),
        Figure(
            "Mails in trouble",
            thin(mails),
            "failed, sent back or uncertain",
            address_if_any("staff_mail"),
            tone="bad" if mails else "",
        ),
    ]


def instruments_heard(now: datetime) -> list[Figure]:
    counts = Instrument.objects.aggregate(
        all=Count("pk"), heard=Count("pk", filter=Q(last_contact_at__gte=now - HEARD_LATELY))
    )
    value = f"{thin(counts['heard'])} of {thin(counts['all'])}"
    return [Figure("Instruments heard", value, "in the last hour", address_if_any("staff_instruments"))]


def disk(now: datetime) -> list[Figure]:
    """Used and free on the file system of the files."""
    usage = shutil.disk_usage(settings.FILES_ROOT)
    usable = usage.used + usage.free  # the system keeps the rest for itself
    free = usage.free / usable
    tone = "bad" if usage.free < settings.MIN_FREE_BYTES else "warn" if free < NEARLY_FULL else ""
    note = "uploads are refused until there is room" if tone == "bad" else f"{free:.0%} of {size_text(usable)}"
    url = address_if_any("staff_storage")
    return [Figure("Disk used", size_text(usage.used)), Figure("Disk free", size_text(usage.free), note, url, tone)]
