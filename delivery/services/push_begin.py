"""Asking for a push: by hand, by the release of a dataset, or live, while files still come. And taking that back."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from delivery import events
from delivery.models import Delivery, Destination
from portal.actors import SYSTEM, Actor
from portal.errors import Conflict
from portal.models import Dataset
from portal.queue import enqueue

RELEASE, LIVE = "release", "live"
IDLE_HOURS = 24
_AT_ONCE = 500
State = Delivery.State


def begin_push(*, dataset: Dataset, destination: Destination, occasion: str, actor: Actor) -> Delivery:
    """Of a released dataset. Raises Conflict when it is not released, or is being pushed there already."""
    if dataset.state != Dataset.State.RELEASED:
        raise Conflict("A dataset can be pushed from its release, when all files are verified, until it expires.")
    return _begin(dataset, destination, occasion, actor)


def begin_live_push(
    *, dataset: Dataset, destination: Destination, occasion: str, actor: Actor, now: datetime, idle_hours: int
) -> Delivery:
    """Of an open dataset: each file as soon as it is verified, until it is released or nothing came for `idle_hours`.

    Raises Conflict when it is not open, or is being pushed there already.
    """
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset.pk)
        if not dataset.is_open:
            raise Conflict("Files are pushed while they come as long as the dataset is open. Wait for its release.")
        idle_at = now + timedelta(hours=idle_hours)
        return _begin(dataset, destination, occasion, actor, live=True, idle_hours=idle_hours, idle_at=idle_at)


def _begin(dataset: Dataset, destination: Destination, occasion: str, actor: Actor, **live: object) -> Delivery:
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
                **live,
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
    released = Dataset.objects.filter(state=Dataset.State.RELEASED, project__destinations__on_release=True)
    released = released.filter(released_at__gte=F("project__destinations__on_release_since"))
    released = released.annotate(to=F("project__destinations__pk"))
    there = Delivery.objects.filter(dataset=OuterRef("pk"), destination=OuterRef("to"))
    since = Q(state=State.DONE, ended_at__gte=OuterRef("released_at"))
    settled = since | Q(occasion=RELEASE) | Q(state=State.CANCELLED, live=True)
    waiting = released.exclude(Exists(there.under_way())).exclude(Exists(there.filter(settled)))
    if dataset_id:
        waiting = waiting.filter(pk=dataset_id)
    begun = 0
    for dataset, destination in _pairs(waiting):
        try:
            begin_push(dataset=dataset, destination=destination, occasion=RELEASE, actor=SYSTEM)
        except Conflict:  # somebody has begun to push it by hand: looked at again in a minute
            continue
        begun += 1
    return begun


def push_arriving(*, now: datetime) -> int:
    """Open datasets with verified files that a destination takes while they come; the number begun.

    Cost: one query when there is nothing to do.
    """
    arriving = Dataset.objects.filter(state=Dataset.State.OPEN, verified_count__gt=0, project__destinations__live=True)
    arriving = arriving.annotate(to=F("project__destinations__pk"))
    there = Delivery.objects.filter(dataset=OuterRef("pk"), destination=OuterRef("to"))
    begun = 0
    for dataset, destination in _pairs(arriving.exclude(Exists(there))):
        try:
            begin_live_push(
                dataset=dataset, destination=destination, occasion=LIVE, actor=SYSTEM, now=now, idle_hours=IDLE_HOURS
            )
        except Conflict:  # it was closed meanwhile
            continue
        begun += 1
    return begun


def _pairs(datasets: "QuerySet[Dataset]") -> list[tuple[Dataset, Destination]]:
    """Each with the destination that it is annotated with as `to`."""
    rows = list(datasets.select_related("project")[:_AT_ONCE])
    destinations = Destination.objects.in_bulk({row.to for row in rows})  # type: ignore[attr-defined]
    return [(row, destinations[row.to]) for row in rows]  # type: ignore[attr-defined]


def cancel_push(*, delivery: Delivery, actor: Actor, now: datetime) -> bool:
    """Whoever pushes it stops within seconds. False when it had ended. What was pushed stays there."""
    with transaction.atomic():
        under_way = Delivery.objects.under_way().filter(pk=delivery.pk)
        said = {"cancelled_by": actor.label, "reason": f"Cancelled by {actor.label}."[:300]}
        if not under_way.update(state=State.CANCELLED, ended_at=now, leased_until=None, claimed_by="", **said):
            return False
        delivery.files_to_push.all().delete()
        forget_destination(delivery, now)
        events.push_ended(Delivery.objects.get(pk=delivery.pk), actor)
    return True


def forget_destination(delivery: Delivery, now: datetime) -> None:
    """Of a recipient: used once. Its secrets and options are deleted; the place stays for the audit."""
    if delivery.link_id is not None:
        once = Destination.objects.filter(pk=delivery.destination_id, link__isnull=False)
        once.update(removed_at=now, locked="", options={})
