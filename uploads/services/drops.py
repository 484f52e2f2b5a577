"""Files from people outside, by drop links."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Sum

from portal.actors import Actor
from portal.errors import Forbidden, Invalid, TooLarge
from portal.link_tokens import current_key_id
from portal.models import Dataset, Instrument, Project
from portal.outbox import new_notice, queue_notice, queue_notices
from portal.templatetags.quantities import size_text
from uploads import events
from uploads.models import Drop, DropLink


@dataclass(frozen=True, slots=True)
class DropLinkWish:
    """`password` is "" for none; `mail_to` gets the link by mail, `notify_emails` hear when files have arrived."""

    title: str
    expires_at: datetime
    notify_emails: Sequence[str]
    message: str = ""
    instrument: Instrument | None = None
    password: str = ""
    limit_bytes: int | None = None
    mail_to: Sequence[str] = ()


def make_drop_link(*, project: Project, actor: Actor, wish: DropLinkWish, now: datetime) -> DropLink:
    """Raises Invalid for one that would be over already."""
    if actor.user is None:
        raise Forbidden("Only people make drop links. Sign in.")
    if wish.expires_at <= now:
        raise Invalid("The link would have ended already. Choose a later day.")
    with transaction.atomic():
        link = DropLink.objects.create(
            key_id=current_key_id(),
            project=project,
            instrument=wish.instrument,
            title=wish.title,
            message=wish.message,
            notify_emails=list(wish.notify_emails),
            password_hash=make_password(wish.password) if wish.password else "",
            limit_bytes=wish.limit_bytes,
            created_by=actor.user,
            expires_at=wish.expires_at,
        )
        events.drop_link_made(link, actor)
        queue_notices(new_notice("drop-link", address, subject_id=link.pk, slot="made") for address in wish.mail_to)
    return link


def revoke_drop_link(*, link: DropLink, actor: Actor, now: datetime) -> None:
    """At once and for good; revoked already is fine. What was sent stays."""
    with transaction.atomic():
        if DropLink.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=now):
            events.drop_link_revoked(link, actor)


def note_drop(*, dataset: Dataset, link: DropLink, name: str, email: str) -> None:
    """Who the visitor said to be; the same dataset a second time changes nothing."""
    Drop.objects.get_or_create(dataset=dataset, defaults={"link": link, "visitor_name": name, "visitor_email": email})


def require_drop_room(dataset: Dataset, added: int) -> None:
    """Raise TooLarge when what came by the dataset's drop link would pass the link's limit.

    Call it in the transaction that adds the bytes. Cost: nothing for datasets that came another way, else three.
    """
    if added <= 0 or not dataset.sender.startswith("visitor:"):
        return
    link = DropLink.objects.select_for_update().get(drops__dataset=dataset)
    if link.limit_bytes is None:
        return
    sent = Dataset.objects.filter(drop__link=link).aggregate(total=Sum("bytes_expected"))["total"] or 0
    if sent + added > link.limit_bytes:
        left = size_text(max(link.limit_bytes - sent, 0))
        raise TooLarge(f"The link takes {size_text(link.limit_bytes)} in all; {left} are left. Ask whoever sent it.")


def thank_visitor(dataset_id: UUID) -> None:
    """A mail to the visitor once everything is verified. Cost: one query."""
    drop = Drop.objects.select_related("dataset").filter(dataset=dataset_id).first()
    if drop:
        queue_notice("drop-received", drop.visitor_email, subject_id=dataset_id, slot="released", dataset=drop.dataset)
