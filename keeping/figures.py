"""The figures of the facility's day that this room knows."""

from datetime import datetime, timedelta

from django.db.models import Count, Max, Sum

from keeping.lists import deletions_until
from keeping.models import FileCopy, Keeping, Round
from portal.addresses import address_if_any
from portal.figures import Figure
from portal.models import Dataset, Project
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
    ill = Dataset.objects.filter(corrupt_count__gt=0, state=Dataset.State.RELEASED).order_by()  # by an index of these
    damaged = ill.aggregate(files=Sum("corrupt_count", default=0))["files"]
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


def deletions(now: datetime) -> list[Figure]:
    """What the clock deletes within two weeks, and bytes that cannot be removed. Cost: two queries."""
    coming = deletions_until(now + timedelta(days=14), Project.objects.all()).order_by()
    soon = coming.aggregate(datasets=Count("pk"), size=Sum("dataset__bytes_verified"))
    stuck = Keeping.objects.filter(deleted_at__isnull=False, purged_at__isnull=True).exclude(trouble="").count()
    if not soon["datasets"] and not stuck:
        return []
    note = f"{thin(stuck)} cannot be removed" if stuck else size_text(soon["size"] or 0)
    url = address_if_any("staff_deletions")
    return [Figure("Deleted within two weeks", thin(soon["datasets"]), note, url, tone="bad" if stuck else "")]
