"""Who did what, when, from where: append-only rows chained by hash, so that a change cannot go unnoticed.

One function per audited event stands in the ``events`` module of its room and ends in :func:`record`. Call it last in
the transaction of what it tells: from then until the commit nobody else can add to the chain.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.actors import Actor
from portal.models import AuditEvent, AuditHead, Dataset, Project

HASHED = (
    "at", "kind", "actor_kind", "actor_id", "actor", "address", "client", "project", "dataset_id", "dataset",
    "subject", "bytes", "complete", "detail", "previous_hash",
)  # fmt: skip


def record(
    kind: str,
    actor: Actor,
    *,
    project: Project | None = None,
    dataset: Dataset | None = None,
    subject: str = "",
    bytes: int | None = None,  # noqa: A002  (the column's name, and what everybody writes)
    complete: bool | None = None,
    at: datetime | None = None,
    **detail: Any,
) -> AuditEvent:
    """Adds one event to the chain. ``detail`` must be JSON and hold no secret."""
    event = AuditEvent(
        **_who(actor),
        at=at or timezone.now(),
        kind=kind,
        project=project.code if project else dataset.project.code if dataset else "",
        dataset_id=dataset.pk if dataset else None,
        dataset=dataset.name if dataset else "",
        subject=subject,
        bytes=bytes,
        complete=complete,
        detail=detail,
    )
    _chain([event])
    return event


def record_of_each(kind: str, actor: Actor, *, dataset: Dataset, told: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """One event for each (subject, detail) of ``told``, all about one dataset, in one INSERT each 500."""
    now = timezone.now()
    events = [
        AuditEvent(
            **_who(actor),
            at=now,
            kind=kind,
            project=dataset.project.code,
            dataset_id=dataset.pk,
            dataset=dataset.name,
            subject=subject,
            detail=detail,
        )
        for subject, detail in told
    ]
    _chain(events)


def _who(actor: Actor) -> dict[str, str]:
    return {
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor": actor.label,
        "address": actor.address,
        "client": actor.client,
    }


def _chain(events: Sequence[AuditEvent]) -> None:
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().get_or_create(pk=1)[0]
        for event in events:
            event.previous_hash = head.hash
            head.hash = event.hash = hash_of(event)
        AuditEvent.objects.bulk_create(events, batch_size=500)
        head.save(update_fields=["hash"])


def hash_of(event: AuditEvent) -> str:
    """SHA-256, hex, over the event's fields as sorted JSON, the previous hash among them."""
    fields = {name: getattr(event, name) for name in HASHED}
    fields["at"] = event.at.timestamp()
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def broken_links() -> Iterator[tuple[AuditEvent, str]]:
    """Events that were changed, and places where events are missing, oldest first; memory flat."""
    previous = "0" * 64
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous_hash != previous:
            yield event, "the event before it is missing or was changed"
        if event.hash != hash_of(event):
            yield event, "it was changed after it was written"
        previous = event.hash
    head = AuditHead.objects.first()
    last = AuditEvent.objects.order_by("id").last()
    if head and last and head.hash != last.hash:
        yield last, "events after it are missing"
