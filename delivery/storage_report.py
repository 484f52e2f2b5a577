"""What this room tells the storage report: data that nobody has taken (`settings.STORAGE_REPORT_SECTIONS`)."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from delivery.models import Delivery
from portal.models import Dataset
from portal.storage_sections import SHOWN, Cell, Section, size_cell
from portal.templatetags.times import relative_text
from sharing.models import ShareLink

PATIENCE = timedelta(days=14)


def undelivered(now: datetime) -> Section | None:
    """Released and shared for a while, and nothing was taken or pushed; the largest first. Cost: two queries."""
    links = ShareLink.objects.filter(dataset=OuterRef("pk"))
    pushed = Delivery.objects.filter(dataset=OuterRef("pk"), state=Delivery.State.DONE)
    waiting = Dataset.objects.filter(
        Exists(links),
        ~Exists(links.filter(first_taken_at__isnull=False)),
        ~Exists(pushed),
        state=Dataset.State.RELEASED,
        released_at__lt=now - PATIENCE,
    )
    found = list(waiting.select_related("project").order_by("-bytes_verified", "pk")[:SHOWN])
    if not found:
        return None
    return Section(
        "undelivered",
        "Data that nobody has taken",
        ["Dataset", "Project", "Released", "Size"],
        [
            [
                Cell(dataset.title, url=dataset.get_absolute_url()),
                Cell(dataset.project.name),
                Cell(_ago(dataset.released_at, now)),
                size_cell(dataset.bytes_verified),
            ]
            for dataset in found
        ],
        lead=f"Shared for more than {PATIENCE.days} days: no recipient took anything, and nothing was pushed.",
        more=waiting.count() - len(found),
    )


def _ago(moment: datetime | None, now: datetime) -> str:
    return relative_text((moment - now).total_seconds()) if moment else ""
