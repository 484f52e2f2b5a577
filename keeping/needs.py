"""What needs a person now, as this room knows it."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse

from keeping.lists import deletions_until, unheard
from keeping.services.facts import situations
from portal.access import MAY_MANAGE, visible_datasets, visible_projects
from portal.models import Dataset, Project, User
from portal.needs import SHOWN, Need
from portal.templatetags.quantities import counted
from portal.templatetags.times import relative_text

_SOON = timedelta(days=7)


def damaged_in_storage(person: User, now: datetime) -> list[Need]:
    """Released datasets with files that were verified and no longer read as they were."""
    datasets = visible_datasets(person).filter(corrupt_count__gt=0, state=Dataset.State.RELEASED)
    return [
        Need(
            "corrupt",
            dataset.title,
            f"{dataset.get_absolute_url()}?state=corrupt#files",
            f"{counted(dataset.corrupt_count, 'file was,files were')} damaged in storage; not offered any more.",
            "See the files",
        )
        for dataset in datasets.order_by("-created_at")[:SHOWN]
    ]


def soon_deleted(person: User, now: datetime) -> list[Need]:
    """Datasets that the clock deletes within a week, of projects that this person manages; the next first."""
    coming = deletions_until(now + _SOON, _managed_by(person)).filter(unheard_since=None)[:SHOWN]
    return [
        Need(
            "goes_soon",
            row.dataset.title,
            row.dataset.get_absolute_url(),
            f"is deleted {relative_text((row.deletion_at - now).total_seconds())}. Keep it longer, or let it go.",
            "See the dataset",
        )
        for row in coming
        if row.deletion_at
    ]


def nobody_told(person: User, now: datetime) -> list[Need]:
    """Datasets that stay because no warning of their deletion arrived, of projects that this person manages.

    Cost: one query; six where there are any, which tell whether somebody was told just now.
    """
    rows = list(unheard(_managed_by(person))[:SHOWN])
    still = [each.keeping for each in situations(rows) if not each.facts.told_at] if rows else []
    return [
        Need(
            "unheard",
            row.dataset.title,
            reverse("dataset_keeping", args=[row.dataset_id]),
            "Nobody could be told that it will be deleted; it is kept until a warning reaches a manager or its owner."
            f" The first was due {relative_text((row.unheard_since - now).total_seconds())}.",
            "See how it is kept",
        )
        for row in still
        if row.unheard_since
    ]


def _managed_by(person: User) -> QuerySet[Project]:
    """Staff see to all projects."""
    projects = visible_projects(person)
    return projects if person.is_staff else projects.filter(memberships__user=person, memberships__role__in=MAY_MANAGE)
