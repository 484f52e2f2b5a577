"""Registering destinations, and taking them out again."""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from delivery import events
from delivery.kinds import KINDS
from delivery.models import Delivery, Destination
from delivery.rclone import Remote
from delivery.services.push_begin import cancel_push
from delivery.services.trial import try_out
from delivery.vault import lock_away, unlock
from portal.actors import Actor
from portal.errors import Invalid, NotSignedIn
from portal.models import Project


@dataclass(frozen=True, slots=True)
class DestinationWish:
    """`said` is what the form of the kind says, secrets and all."""

    kind: str
    name: str
    said: dict[str, str]
    on_release: bool = False
    live: bool = False
    read_back: bool = False


def register_destination(*, project: Project, wish: DestinationWish, actor: Actor, now: datetime) -> Destination:
    """Tried out before it is saved. Raises Invalid."""
    if actor.user is None:
        raise NotSignedIn("Sign in to register a destination.")
    kind = KINDS[wish.kind]
    if Destination.objects.usable().filter(project=project, name=wish.name).exists():
        raise _name_taken(wish)
    pinned = try_out(kind.remote(wish.said))
    shown = {name: value for name, value in wish.said.items() if name not in kind.secret}
    if pinned and wish.kind == "sftp":
        shown["host_keys"] = pinned
    try:
        with transaction.atomic():
            made = Destination.objects.create(
                project=project,
                name=wish.name,
                kind=wish.kind,
                place=kind.place(wish.said)[:700],
                options=shown,
                locked=lock_away({name: wish.said[name] for name in kind.secret}),
                on_release=wish.on_release,
                on_release_since=now if wish.on_release else None,
                live=wish.on_release and wish.live,
                read_back=wish.read_back,
                created_by=actor.user,
                tested_at=now,
            )
            events.destination_made(made, actor)
    except IntegrityError as error:
        raise _name_taken(wish) from error
    return made


def remove_destination(*, destination: Destination, actor: Actor, now: datetime) -> bool:
    """Its secrets go at once and pushes to it end. What was pushed stays there. False when it was removed before."""
    with transaction.atomic():
        usable = Destination.objects.usable().filter(pk=destination.pk)
        if not usable.update(removed_at=now, locked="", on_release=False, live=False):
            return False
        for delivery in Delivery.objects.under_way().filter(destination=destination):
            cancel_push(delivery=delivery, actor=actor, now=now)
        events.destination_removed(destination, actor)
    return True


def remote_of(destination: Destination) -> Remote:
    """With its secrets. Raises Conflict."""
    return KINDS[destination.kind].remote({**destination.options, **unlock(destination.locked)})


def _name_taken(wish: DestinationWish) -> Invalid:
    message = f"The project has a destination “{wish.name}” already. Choose another name."
    return Invalid(message, fields=[{"field": "name", "message": message}])
