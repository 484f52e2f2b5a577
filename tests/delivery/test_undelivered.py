"""The storage report tells of data that nobody has taken."""

from datetime import timedelta

from django.utils import timezone

from delivery.models import Delivery
from delivery.storage_report import undelivered
from portal.models import Dataset
from sharing.models import ShareLink
from tests.delivery.conftest import Register


def test_shared_data_are_undelivered_until_somebody_takes_or_gets_them(link: ShareLink, register: Register) -> None:
    dataset, now = link.dataset, timezone.now()
    assert undelivered(now) is None
    Dataset.objects.filter(pk=dataset.pk).update(released_at=now - timedelta(days=20))
    told = undelivered(now)
    assert told
    assert [[cell.text for cell in row][:3] for row in told.rows] == [
        [dataset.title, "Electron microscopy", "20 days ago"]
    ]
    destination = register(dataset.project, "webdav", {}, {})
    push = Delivery.objects.create(dataset=dataset, destination=destination, occasion="release")
    assert undelivered(now)
    Delivery.objects.filter(pk=push.pk).update(state="done", ended_at=now)
    assert undelivered(now) is None
    push.delete()
    ShareLink.objects.filter(pk=link.pk).update(first_taken_at=now, state="started")
    assert undelivered(now) is None


def test_data_that_were_shared_with_nobody_are_not_missed(dataset: Dataset) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(released_at=timezone.now() - timedelta(days=20))
    assert undelivered(timezone.now()) is None
