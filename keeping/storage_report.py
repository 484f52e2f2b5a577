"""What the storage report says of this room's: which datasets go next, which are held, what is being removed."""

from datetime import datetime, timedelta

from django.db.models import Count, Sum

from keeping.lists import deletions_until, holds, restorable
from keeping.models import Keeping
from portal.models import Project
from portal.storage_sections import SHOWN, Cell, Section, size_cell
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text

AHEAD = timedelta(days=30)


def next_deletions(now: datetime) -> Section | None:
    """Datasets that the clock deletes within a month, and how much room that gives. Cost: three queries."""
    coming = deletions_until(now + AHEAD, Project.objects.all())
    total = coming.order_by().aggregate(datasets=Count("pk"), size=Sum("dataset__bytes_verified"))
    gone = restorable(Project.objects.all()).order_by().aggregate(size=Sum("dataset__bytes_verified"))["size"] or 0
    if not total["datasets"] and not gone:
        return None
    lead = f"{counted(total['datasets'], 'dataset,datasets')} of {size_text(total['size'] or 0)} within a month."
    lead += f" {size_text(gone)} are deleted already and can still be restored." if gone else ""
    rows = list(coming[:SHOWN])
    return Section(
        "deletions",
        "Next deletions",
        ["Dataset", "Project", "Deleted", "Size"],
        [
            [
                _dataset_cell(row),
                Cell(row.dataset.project.name),
                Cell(day_text(row.deletion_at) if row.deletion_at else ""),
                size_cell(row.dataset.bytes_verified),
            ]
            for row in rows
        ],
        lead=lead,
        more=total["datasets"] - len(rows),
    )


def held(now: datetime) -> Section | None:
    """The oldest holds first. Cost: two queries over an index of those alone."""
    found = holds(Project.objects.all())
    rows = list(found[:SHOWN])
    if not rows:
        return None
    return Section(
        "holds",
        "Held from deletion",
        ["Dataset", "Project", "By", "Why", "Size"],
        [
            [
                _dataset_cell(row),
                Cell(row.dataset.project.name),
                Cell(row.held_by),
                Cell(row.hold_reason),
                size_cell(row.dataset.bytes_verified),
            ]
            for row in rows
        ],
        more=found.count() - len(rows),
    )


def _dataset_cell(row: Keeping) -> Cell:
    return Cell(row.dataset.title, url=row.dataset.get_absolute_url())
