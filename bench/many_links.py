"""``python -m bench.many_links 1000000``: fills the database of the settings with open links nobody has used."""

import sys
from datetime import timedelta
from uuid import uuid4

import django
from django.db import transaction
from django.utils import timezone

AT_ONCE = 1000
LINKS_PER_DATASET = 4
AGE = timedelta(days=8)


def fill(count: int) -> None:
    from portal.models import Project

    project = Project.objects.create(code="bench", name="Bench", contact_email="bench@example.org")
    for _ in range(0, count, AT_ONCE * LINKS_PER_DATASET):
        _share_datasets(project.pk)


def _share_datasets(project_id: int) -> None:
    from portal.models import Dataset
    from sharing.models import ShareLink

    began = timezone.now() - AGE
    datasets = [
        Dataset(
            project_id=project_id,
            client_key=(key := uuid4().hex),
            sender="bench",
            sent_by="bench",
            name=key,
            title="Bench",
            state=Dataset.State.RELEASED,
            closed_at=began,
            released_at=began,
        )
        for _ in range(AT_ONCE)
    ]
    links = (
        ShareLink(
            key_id="bench",
            dataset=dataset,
            recipient=f"recipient-{number}@example.org",
            occasion="release",
            starts_at=began,
            expires_at=began + timedelta(days=30),
        )
        for dataset in datasets
        for number in range(LINKS_PER_DATASET)
    )
    with transaction.atomic():
        Dataset.objects.bulk_create(datasets)
        ShareLink.objects.bulk_create(links)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
