"""``python -m bench.many_links COUNT DUE``: fills the database of the settings with open links nobody has used.

DUE of them, spread evenly, began eight days ago and want the weekly reminder; the others began yesterday.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import django
from django.db import transaction
from django.utils import timezone

AT_ONCE = 1000
LINKS_PER_DATASET = 4


def fill(count: int, due: int) -> None:
    from portal.models import Project

    project = Project.objects.create(code="bench", name="Bench", contact_email="bench@example.org")
    now = timezone.now()
    old, new = now - timedelta(days=8), now - timedelta(days=1)
    starts = (old if number * due // count < (number + 1) * due // count else new for number in range(count))
    for _ in range(0, count, AT_ONCE * LINKS_PER_DATASET):
        _share_datasets(project.pk, starts, old)


def _share_datasets(project_id: int, starts: Iterator[datetime], released: datetime) -> None:
    from portal.link_tokens import current_key_id
    from portal.models import Dataset
    from sharing.models import ShareLink

    datasets = [
        Dataset(
            project_id=project_id,
            client_key=(key := uuid4().hex),
            sender="bench",
            sent_by="bench",
            name=key,
            title="Bench",
            state=Dataset.State.RELEASED,
            closed_at=released,
            released_at=released,
            dispatched_at=released,
        )
        for _ in range(AT_ONCE)
    ]
    links = (
        ShareLink(
            key_id=current_key_id(),
            dataset=dataset,
            recipient=f"recipient-{number}@example.org",
            occasion="release",
            starts_at=start,
            expires_at=released + timedelta(days=38),
        )
        for (dataset, number), start in zip(
            ((dataset, number) for dataset in datasets for number in range(LINKS_PER_DATASET)), starts, strict=False
        )
    )
    with transaction.atomic():
        Dataset.objects.bulk_create(datasets)
        ShareLink.objects.bulk_create(links)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]), int(sys.argv[2]))
