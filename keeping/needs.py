"""What needs a person now, as this room knows it."""

from datetime import datetime, timedelta

from keeping.lists import deletions_until
from portal.access import MAY_MANAGE, visible_datasets, visible_projects
from portal.models import Dataset, User
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
    projects = visible_projects(person)
    if not person.is_staff:
        projects = projects.filter(memberships__user=person, memberships__role__in=MAY_MANAGE)
    coming = deletions_until(now + _SOON, projects)[:SHOWN]
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
