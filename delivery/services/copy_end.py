"""How copies between projects end: released with a receipt for the sender, or removed without a trace of half a one."""

from datetime import datetime

from django.db import transaction

from delivery import events
from delivery.models import DatasetCopy
from portal.actors import Actor
from portal.models import DataFile, Dataset
from portal.outbox import queue_notice
from portal.queue import enqueue
from portal.storage import dataset_key, store_of
from sharing.models import Receipt
from sharing.services.recording import Delivery, end_delivery
from uploads.services.release import release_if_whole

State = DatasetCopy.State


def finish_copy(copy: DatasetCopy, target: Dataset, claimant: str, now: datetime) -> None:
    """Everything was copied and read back: release, and the receipt of the link. Once, whoever else believes so."""
    with transaction.atomic():
        mine = DatasetCopy.objects.filter(pk=copy.pk, claimed_by=claimant, state=State.COPYING)
        if not mine.update(state=State.DONE, ended_at=now, leased_until=None, claimed_by="", reason=""):
            return
        release_if_whole(target.pk, now=now)
        end_delivery(delivery=_taken(copy, target), sent=target.bytes_expected, now=now)


def _taken(copy: DatasetCopy, target: Dataset) -> Delivery:
    person = copy.asked_by
    return Delivery(
        dataset=copy.source,
        actor=Actor.of_user(person, copy.asked_from, copy.client),
        kind=Receipt.Kind.COPY,
        subject=target.project.name,
        total=target.bytes_expected,
        spans=((0, target.bytes_expected),),
        revision=copy.revision,
        link=copy.link,
    )


def leave(copy: DatasetCopy, claimant: str, reason: str) -> None:
    """It cannot be completed. Its rows go first, so that nothing is offered whose bytes are being removed."""
    with transaction.atomic():
        mine = DatasetCopy.objects.filter(pk=copy.pk, claimed_by=claimant, state=State.COPYING)
        if not mine.update(state=State.LEAVING, reason=reason[:300], leased_until=None, claimed_by="", attempts=0):
            return
        DataFile.objects.filter(dataset=copy.target_id).delete()
        enqueue("delivery.tasks.copy_task", copy.pk)


def remove_copy(copy: DatasetCopy, target: Dataset, claimant: str, now: datetime) -> None:
    """The bytes, then the dataset, whose quota is free again; the person is told. Raises what the store does."""
    store = store_of(target)
    for key in store.keys(dataset_key(target)):
        store.delete(key)
    with transaction.atomic():
        mine = DatasetCopy.objects.filter(pk=copy.pk, claimed_by=claimant, state=State.LEAVING)
        if not mine.update(state=State.FAILED, target=None, ended_at=now, leased_until=None, claimed_by=""):
            return
        queue_notice("copy-failed", copy.asked_by.email, subject_id=copy.pk, slot="failed")
        Dataset.objects.filter(pk=target.pk).delete()
        events.copy_failed(copy, target)
