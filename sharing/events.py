"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from collections.abc import Sequence
from datetime import datetime

from portal.actors import Actor
from portal.audit import record, record_of_each
from portal.models import Dataset
from sharing.models import RenewalRequest, ShareLink


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


def address_corrected(link: ShareLink, actor: Actor, *, former: ShareLink) -> None:
    """`link` was made in place of `former`, whose mail went to a wrong address."""
    record(
        "address_corrected",
        actor,
        dataset=link.dataset,
        subject=link.recipient,
        former=former.recipient,
        link=link.pk,
        former_link=former.pk,
    )


def link_expired(link: ShareLink, actor: Actor) -> None:
    record("link_expired", actor, dataset=link.dataset, subject=link.recipient, link=link.pk, state=link.state)


def link_answered(link: ShareLink, actor: Actor) -> None:
    """What the recipient said; `answer` is for people."""
    said = ShareLink.Answer(link.answer).label
    record("link_answered", actor, dataset=link.dataset, subject=link.recipient, link=link.pk, answer=said)


def link_changed(link: ShareLink, actor: Actor, *, names: list[str]) -> None:
    """The columns that are different now; of the password nothing is told but that."""
    now = {
        "expires_at": link.expires_at.isoformat(),
        "most_downloads": link.most_downloads,
        "ways": link.ways,
        "password_hash": "set" if link.password_hash else "none",
    }
    changes = {name: now[name] for name in names}
    record("link_changed", actor, dataset=link.dataset, subject=link.recipient, link=link.pk, changes=changes)


def links_extended(dataset: Dataset, ends: Sequence[tuple[ShareLink, datetime]], actor: Actor) -> None:
    """As `link_changed`, for many links of one dataset; each with its new end."""
    told = [(link.recipient, {"link": link.pk, "changes": {"expires_at": until.isoformat()}}) for link, until in ends]
    record_of_each("link_changed", actor, dataset=dataset, told=told)


def link_sent_again(link: ShareLink, actor: Actor) -> None:
    record("link_sent_again", actor, dataset=link.dataset, subject=link.recipient, link=link.pk)


def more_time_asked(link: ShareLink, actor: Actor) -> None:
    record("more_time_asked", actor, dataset=link.dataset, subject=link.recipient, link=link.pk)


def more_time_given(request: RenewalRequest, actor: Actor) -> None:
    link, until = request.link, request.until.isoformat() if request.until else ""
    record(
        "more_time_given",
        actor,
        dataset=link.dataset,
        subject=link.recipient,
        link=link.pk,
        expires_at=until,
        how=request.how,
    )


def more_time_refused(request: RenewalRequest, actor: Actor) -> None:
    link = request.link
    record(
        "more_time_refused",
        actor,
        dataset=link.dataset,
        subject=link.recipient,
        link=link.pk,
        words=request.words,
        how=request.how,
    )


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


def bundle_taken(dataset: Dataset, actor: Actor, *, sent: int, count: int, complete: bool, revision: int) -> None:
    """Many files went out in one answer, `count` of them whole."""
    record(
        "downloaded",
        actor,
        dataset=dataset,
        bytes=sent,
        complete=complete,
        what="bundle",
        count=count,
        start=0,
        revision=revision,
        counted=True,
    )


def files_verified(dataset: Dataset, actor: Actor, *, link: int, count: int, complete: bool) -> None:
    """The recipient's program read back what it had got; `complete` when that is everything now."""
    record("files_verified", actor, dataset=dataset, link=link, count=count, complete=complete)


def stored_file_changed(dataset: Dataset, actor: Actor, *, subject: str, reason: str) -> None:
    """Storage no longer holds what was verified: an incident, seen while sending."""
    record("stored_file_changed", actor, dataset=dataset, subject=subject, complete=False, reason=reason)
