"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from portal.actors import Actor
from portal.audit import record
from portal.models import Dataset
from sharing.models import ShareLink


def link_made(link: ShareLink, actor: Actor) -> None:
    record(
        "link_made",
        actor,
        dataset=link.dataset,
        subject=link.recipient,
        link=link.pk,
        occasion=link.occasion.partition(":")[0],
        expires_at=link.expires_at.isoformat(),
    )


def link_revoked(link: ShareLink, actor: Actor) -> None:
    record("link_revoked", actor, dataset=link.dataset, subject=link.recipient, link=link.pk, state=link.state)


def link_expired(link: ShareLink, actor: Actor) -> None:
    record("link_expired", actor, dataset=link.dataset, subject=link.recipient, link=link.pk, state=link.state)


def data_taken(
    dataset: Dataset,
    actor: Actor,
    *,
    what: str,
    subject: str,
    sent: int,
    complete: bool,
    start: int,
    revision: int,
    counted: bool,
) -> None:
    """Bytes went out: `what` is a kind of receipt; `complete` when they are the whole, or the last of it."""
    record(
        "downloaded",
        actor,
        dataset=dataset,
        subject=subject,
        bytes=sent,
        complete=complete,
        what=what,
        start=start,
        revision=revision,
        counted=counted,
    )


def stored_file_changed(dataset: Dataset, actor: Actor, *, subject: str, reason: str) -> None:
    """Storage no longer holds what was verified: an incident, seen while sending."""
    record("stored_file_changed", actor, dataset=dataset, subject=subject, complete=False, reason=reason)
