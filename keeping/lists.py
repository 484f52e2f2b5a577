"""What is deleted next, what is held, what can still be restored: for lists of a project or of all projects."""

from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from keeping.models import Keeping, KeepingQuerySet
from portal.models import Project

SHOWN = 50


def next_deletions(projects: QuerySet[Project]) -> KeepingQuerySet:
    """By the clock, the next first. As last computed: what somebody just decided is there within minutes."""
    return _of(projects).to_look_at().filter(deletion_at__isnull=False, held_at__isnull=True).order_by("deletion_at")


def holds(projects: QuerySet[Project]) -> KeepingQuerySet:
    """The oldest first."""
    return _of(projects).filter(held_at__isnull=False, purge_began_at__isnull=True).order_by("held_at")


def restorable(projects: QuerySet[Project]) -> KeepingQuerySet:
    """Deleted for users, with their bytes; what goes next first."""
    gone = _of(projects).filter(deleted_at__isnull=False, purged_at__isnull=True)  # as the index has them
    return gone.filter(purge_began_at__isnull=True).order_by("purge_after")


def unheard(projects: QuerySet[Project]) -> KeepingQuerySet:
    """Not deleted although their time is over, as nobody who decides could be told; the oldest first."""
    return _of(projects).to_look_at().filter(unheard_since__isnull=False).order_by("unheard_since")


def deletions_until(moment: datetime, projects: QuerySet[Project]) -> KeepingQuerySet:
    return next_deletions(projects).filter(deletion_at__lte=moment)


def _of(projects: QuerySet[Project]) -> KeepingQuerySet:
    """Asked row by row: with a join SQLite begins with all datasets of these projects, not with the few in the list."""
    of_them = Exists(projects.filter(pk=OuterRef("dataset__project")).order_by())
    return Keeping.objects.filter(of_them).select_related("dataset__project", "retention_class")
