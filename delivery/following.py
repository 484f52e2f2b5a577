"""What this room does in the transaction that verifies files: writes down who has to hear of them."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from delivery.models import Delivery, Destination, FileToPush, FileToTell, Hook
from portal.models import DataFile, Dataset
from portal.queue import enqueue

GATHER = 3  # seconds; files that come one by one travel together


def files_verified(dataset: Dataset, files: Collection[DataFile]) -> None:
    """See `portal.verified`. Cost: one query where nobody follows."""
    live = Exists(Destination.objects.filter(project=OuterRef("project"), live=True))
    pushed = Exists(Delivery.objects.under_way().filter(dataset=OuterRef("pk"), live=True))
    hooked = Exists(Hook.objects.active().filter(project=OuterRef("project")))
    asked = Dataset.objects.filter(pk=dataset.pk).annotate(followed=live | pushed, hooked=hooked)
    to_push, told = asked.values_list("followed", "hooked").get()
    if to_push:
        for delivery in Delivery.objects.following(dataset):
            _let_wait(delivery, files)
        enqueue("delivery.tasks.push_task", delay=GATHER)
    if told:
        hooks = Hook.objects.active().filter(project=dataset.project_id)
        rows = (FileToTell(hook=hook, file=file) for hook in hooks for file in files)
        FileToTell.objects.bulk_create(rows, batch_size=500)
        enqueue("delivery.tasks.hook_task", delay=GATHER)


def _let_wait(delivery: Delivery, files: Collection[DataFile]) -> None:
    FileToPush.objects.bulk_create([FileToPush(delivery=delivery, file=file) for file in files], batch_size=500)
    idle_at = timezone.now() + timedelta(hours=delivery.idle_hours)
    Delivery.objects.filter(pk=delivery.pk).update(idle_at=idle_at)
