"""What this room does in the transaction that verifies files: writes down who has to hear of them."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from delivery.models import Delivery, Destination, FileToPush
from portal.models import DataFile, Dataset
from portal.queue import enqueue

GATHER = 3  # seconds; files that come one by one travel together


def files_verified(dataset: Dataset, files: Collection[DataFile]) -> None:
    """See `portal.verified`. Cost: one query where nobody follows."""
    live = Exists(Destination.objects.filter(project=OuterRef("project"), live=True))
    pushed = Exists(Delivery.objects.under_way().filter(dataset=OuterRef("pk"), live=True))
    followed = Dataset.objects.filter(pk=dataset.pk).values_list(live, pushed).first()
    if followed is None or not any(followed):
        return
    for delivery in Delivery.objects.following(dataset):
        _let_wait(delivery, files)
    enqueue("delivery.tasks.push_task", delay=GATHER)


def _let_wait(delivery: Delivery, files: Collection[DataFile]) -> None:
    FileToPush.objects.bulk_create([FileToPush(delivery=delivery, file=file) for file in files], batch_size=500)
    idle_at = timezone.now() + timedelta(hours=delivery.idle_hours)
    Delivery.objects.filter(pk=delivery.pk).update(idle_at=idle_at)
