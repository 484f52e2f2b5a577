"""The first step of a deletion: nobody is given the data any more. Until its grace period ends it can be undone."""

from datetime import datetime, timedelta

from django.db import transaction

from keeping import events
from keeping.models import Keeping
from keeping.services.facts import situation_of
from keeping.services.keepings import NEWS
from keeping.services.telling import tell_deleted
from portal.actors import Actor
from portal.errors import Conflict
from portal.models import Dataset
from portal.queue import enqueue

GRACE = timedelta(days=14)  # where no class says
KEPT_AFTER_RESTORING = timedelta(days=30)
State = Dataset.State


def delete_by_hand(*, dataset: Dataset, actor: Actor, now: datetime) -> Keeping:
    """Raises Conflict for a dataset that is held, still receives, or is deleted already."""
    with transaction.atomic():
        Keeping.objects.get_or_create(dataset=dataset)
        keeping = (
            Keeping.objects.select_for_update(of=("self",)).select_related("dataset__project").get(dataset=dataset)
        )
        if keeping.is_held:
            raise Conflict(f"{keeping.held_by} holds it: {keeping.hold_reason}. Release the hold first.")
        if not expire(keeping, actor=actor, reason="by hand", now=now):
            raise Conflict("Only a released dataset can be deleted. Close it first, or look whether it was deleted.")
    return keeping


def expire(keeping: Keeping, *, actor: Actor, reason: str, now: datetime) -> bool:
    """Deleted for users. False when it is held, was extended or given another class meanwhile, or is deleted.

    One UPDATE decides, so that no hold or extension can slip in between.
    """
    situation = situation_of(keeping)
    grace = situation.retention.grace if situation.retention else GRACE
    with transaction.atomic():
        free = Keeping.objects.filter(
            pk=keeping.pk,
            held_at__isnull=True,
            deleted_at__isnull=True,
            extended_until=keeping.extended_until,
            retention_class=keeping.retention_class_id,
            dataset__state=State.RELEASED,
        )
        if not free.update(deleted_at=now, deleted_by=actor.label, purge_after=now + grace, not_before=None):
            return False
        Dataset.objects.filter(pk=keeping.dataset_id).update(state=State.EXPIRED)
        keeping.deleted_at, keeping.purge_after = now, now + grace
        tell_deleted(keeping, actor, reason=reason)
        events.dataset_deleted(keeping, actor, reason=reason)
    return True


def restore(*, dataset: Dataset, actor: Actor, now: datetime) -> Keeping:
    """Links and downloads work again; it is kept for another month at least. Raises Conflict when it is too late."""
    with transaction.atomic():
        gone = Keeping.objects.filter(dataset=dataset, deleted_at__isnull=False, purge_began_at__isnull=True)
        kept = {"extended_until": now + KEPT_AFTER_RESTORING, "deletion_at": None, **NEWS}
        if not gone.update(deleted_at=None, deleted_by="", purge_after=None, trouble="", **kept):
            raise Conflict("It is not deleted, or its files are being removed already and cannot be restored.")
        Dataset.objects.filter(pk=dataset.pk, state=State.EXPIRED).update(state=State.RELEASED)
        keeping = Keeping.objects.select_related("dataset__project").get(dataset=dataset)
        events.dataset_restored(keeping, actor)
        enqueue("keeping.tasks.retention_task")
    return keeping
