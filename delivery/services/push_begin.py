"""Asking for a push: by hand, or by the release of a dataset. And taking that back."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef

from delivery import events
from delivery.models import Delivery, Destination
from portal.actors import SYSTEM, Actor
from portal.errors import Conflict
from portal.models import Dataset
from portal.queue import enqueue

RELEASE = "release"
State = Delivery.State


def begin_push(*, dataset: Dataset, destination: Destination, occasion: str, actor: Actor) -> Delivery:
    """Of a released dataset. Raises Conflict when it is not released, or is being pushed there already."""
    if dataset.state != Dataset.State.RELEASED:
        raise Conflict("A dataset can be pushed from its release, when all files are verified, until it expires.")
    try:
        with transaction.atomic():
            delivery = Delivery.objects.create(
                dataset=dataset,
                destination=destination,
                occasion=occasion,
                asked_by=actor.user,
                asked_by_label=actor.label,
                files_total=dataset.verified_count,
                bytes_total=dataset.bytes_verified,
            )
            events.push_begun(delivery, actor)
            enqueue("delivery.tasks.push_task")
    except IntegrityError as error:
        raise Conflict(f"It is on its way to “{destination.name}” already. Wait until that has ended.") from error
    return delivery


def push_released(dataset_id: UUID | None = None) -> int:
    """What was released since a destination takes every dataset, and has not been pushed there; the number begun.

    Cost: one query when there is nothing to do.
    """
    pushed = Delivery.objects.filter(dataset=OuterRef("pk"), destination=OuterRef("to"), occasion=RELEASE)
    released = Dataset.objects.filter(state=Dataset.State.RELEASED, project__destinations__on_release=True)
    released = released.filter(released_at__gte=F("project__destinations__on_release_since"))
    waiting = released.annotate(to=F("project__destinations__pk")).exclude(Exists(pushed))
    if dataset_id:
        waiting = waiting.filter(pk=dataset_id)
    begun = 0
    for dataset in waiting.select_related("project")[:500]:
        destination = Destination.objects.get(pk=dataset.to)
        try:
            begin_push(dataset=dataset, destination=destination, occasion=RELEASE, actor=SYSTEM)
        except Conflict:  # somebody pushes it by hand right now: looked at again in a minute
            continue
        begun += 1
    return begun


def cancel_push(*, delivery: Delivery, actor: Actor, now: datetime) -> bool:
    """Whoever pushes it stops within seconds. False when it had ended. What was pushed stays there."""
    with transaction.atomic():
        under_way = Delivery.objects.under_way().filter(pk=delivery.pk)
        said = {"cancelled_by": actor.label, "reason": f"Cancelled by {actor.label}."[:300]}
        if not under_way.update(state=State.CANCELLED, ended_at=now, leased_until=None, claimed_by="", **said):
            return False
        events.push_ended(Delivery.objects.get(pk=delivery.pk), actor)
    return True
