"""The figures of the facility's day that this room knows."""

from datetime import datetime

from django.db.models import Count, Max

from keeping.models import FileCopy, Round
from portal.figures import Figure
from portal.models import Dataset
from portal.templatetags.quantities import size_text, thin
from portal.templatetags.times import relative_text


def rereading(now: datetime) -> list[Figure]:
    """How far the round has come, and what it found. Cost: three queries."""
    rounds = list(Round.objects.all()[:2])
    if not rounds:
        return []
    this = rounds[0]
    ended = next((each.ended_at for each in rounds if each.ended_at), None)
    last = f"last round ended {relative_text((ended - now).total_seconds())}" if ended else "of the first round"
    found = f"{thin(this.repaired)} repaired, {thin(this.unreadable)} unreadable in this round"
    damaged = sum(Dataset.objects.filter(state=Dataset.State.RELEASED).values_list("corrupt_count", flat=True))
    return [
        Figure("Re-read", size_text(this.bytes), last, tone="warn" if this.unreadable else ""),
        Figure("Damaged in storage", thin(damaged), found, tone="bad" if damaged else ""),
    ]


def second_copies(now: datetime) -> list[Figure]:
    """Shown while any waits. Cost: one query."""
    waiting = FileCopy.objects.to_make().aggregate(files=Count("pk"), trouble=Max("reason"))
    if not waiting["files"]:
        return []
    note = waiting["trouble"][:80] or "files to be copied"
    return [Figure("Second copies waiting", thin(waiting["files"]), note, tone="warn" if waiting["trouble"] else "")]
