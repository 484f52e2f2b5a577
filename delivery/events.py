"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from typing import Any
from urllib.parse import urlsplit

from delivery.models import DatasetCopy, Delivery, Destination, Hook
from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.models import Dataset


def copy_begun(copy: DatasetCopy, target: Dataset, actor: Actor) -> None:
    """For the project that gets the copy; the source hears of it when everything was taken."""
    record(
        "copy_begun",
        actor,
        dataset=target,
        subject=copy.source.name,
        source=str(copy.source_id),
        source_project=copy.source.project.code,
        revision=copy.revision,
        link=copy.link_id,
    )


def copy_failed(copy: DatasetCopy, target: Dataset) -> None:
    record("copy_failed", SYSTEM, dataset=target, subject=copy.source.name, reason=copy.reason, link=copy.link_id)


def destination_made(destination: Destination, actor: Actor) -> None:
    record(
        "destination_made",
        actor,
        project=destination.project,
        subject=destination.name,
        destination_kind=destination.kind,
        place=destination.place,
        on_release=destination.on_release,
    )


def destination_removed(destination: Destination, actor: Actor) -> None:
    record("destination_removed", actor, project=destination.project, subject=destination.name, place=destination.place)


def push_begun(delivery: Delivery, actor: Actor) -> None:
    record("push_begun", actor, **_facts(delivery))


def push_ended(delivery: Delivery, actor: Actor) -> None:
    """`delivery` as it is now."""
    if delivery.state == Delivery.State.DONE:
        record("push_done", actor, bytes=delivery.bytes_done, complete=True, **_facts(delivery))
    elif delivery.state == Delivery.State.FAILED:
        record("push_failed", actor, complete=False, reason=delivery.reason, **_facts(delivery))
    else:
        record("push_cancelled", actor, complete=False, **_facts(delivery))


def hook_made(hook: Hook, actor: Actor) -> None:
    """An address may hold a password: the audit has its host alone."""
    record("hook_made", actor, project=hook.project, subject=_host(hook))


def hook_removed(hook: Hook, actor: Actor) -> None:
    record("hook_removed", actor, project=hook.project, subject=_host(hook))


def hook_started(hook: Hook, actor: Actor) -> None:
    record("hook_started", actor, project=hook.project, subject=_host(hook))


def hook_stopped(hook: Hook, reason: str) -> None:
    record("hook_stopped", SYSTEM, project=hook.project, subject=_host(hook), reason=reason[:300])


def _host(hook: Hook) -> str:
    return urlsplit(hook.url).hostname or ""


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {
        "dataset": delivery.dataset,
        "subject": delivery.destination.name,
        "place": delivery.destination.place,
        "files": delivery.files_total,
        "asked_by": delivery.asked_by_label,
    }
