"""What happens when the last file of a closed dataset is verified."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from portal.models import Dataset
from portal.queue import enqueue
from uploads import events
from uploads.models import Bundle
from uploads.services.drops import thank_visitor


def release_if_whole(dataset_id: UUID, *, now: datetime) -> bool:
    """Release a closed dataset whose files are all verified; False when it is not that far, or was released.

    Cost: one UPDATE when there is nothing to do.
    """
    with transaction.atomic():
        whole = _whole_datasets().filter(pk=dataset_id)
        if not whole.update(state=Dataset.State.RELEASED, released_at=now, safe_to_delete_since=now):
            return False
        events.dataset_released(Dataset.objects.select_related("project").get(pk=dataset_id))
        thank_visitor(dataset_id)
        enqueue("sharing.tasks.dispatch_dataset_task", str(dataset_id))
        enqueue("delivery.tasks.push_released_task", str(dataset_id))
        enqueue("uploads.tasks.remove_older_versions_task")
    return True


def no_longer_safe(dataset_id: UUID) -> bool:
    """A file of a released dataset was found corrupt: its source is needed again. False when that was said before.

    Call it in the transaction that marks the file.
    """
    safe = Dataset.objects.select_for_update(of=("self",)).filter(pk=dataset_id, safe_to_delete_since__isnull=False)
    dataset = safe.select_related("project").first()
    if dataset is None:
        return False
    since, dataset.safe_to_delete_since = dataset.safe_to_delete_since, None
    dataset.save(update_fields=["safe_to_delete_since"])
    events.dataset_no_longer_safe(dataset, since)
    return True


def release_forgotten(*, now: datetime) -> int:
    """Release what a worker that died between verifying and releasing left behind; the number released."""
    forgotten = _whole_datasets().values_list("pk", flat=True)
    return sum(release_if_whole(dataset_id, now=now) for dataset_id in forgotten)


def _whole_datasets() -> QuerySet[Dataset]:
    """Closed, every file verified, and no bundle with more of them waits to be unpacked."""
    whole = Dataset.objects.filter(state=Dataset.State.CLOSED, file_count__gt=0, verified_count=F("file_count"))
    return whole.exclude(Exists(Bundle.objects.waiting().filter(dataset=OuterRef("pk"))))
