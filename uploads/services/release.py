"""What happens when the last file of a closed dataset is verified."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from portal.models import Dataset
from portal.queue import enqueue
from uploads import events
from uploads.models import Bundle


def release_if_whole(dataset_id: UUID, *, now: datetime) -> bool:
    """Release a closed dataset whose files are all verified; False when it is not that far, or was released.

    Cost: one UPDATE when there is nothing to do.
    """
    with transaction.atomic():
        whole = _whole_datasets().filter(pk=dataset_id)
        if not whole.update(state=Dataset.State.RELEASED, released_at=now):
            return False
        events.dataset_released(Dataset.objects.select_related("project").get(pk=dataset_id))
        enqueue("sharing.tasks.dispatch_dataset_task", str(dataset_id))
    return True


def release_forgotten(*, now: datetime) -> int:
    """Release what a worker that died between verifying and releasing left behind; the number released."""
    forgotten = _whole_datasets().values_list("pk", flat=True)
    return sum(release_if_whole(dataset_id, now=now) for dataset_id in forgotten)


def _whole_datasets() -> QuerySet[Dataset]:
    """Closed, every file verified, and no bundle with more of them waits to be unpacked."""
    whole = Dataset.objects.filter(state=Dataset.State.CLOSED, file_count__gt=0, verified_count=F("file_count"))
    return whole.exclude(Exists(Bundle.objects.waiting().filter(dataset=OuterRef("pk"))))
