"""A mail did not arrive because the address was wrong: the right person gets a link of their own."""

from datetime import datetime

from django.db import transaction

from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.models import Dataset, DatasetRecipient
from sharing import events
from sharing.errors import LinkRevoked, NotReleased
from sharing.models import ShareLink
from sharing.services.by_hand import checked_addresses, revoke_link
from sharing.services.dispatch import announce, make_links


def correct_address(*, link: ShareLink, address: str, actor: Actor, now: datetime) -> ShareLink:
    """A new link on the same terms for `address`, as long as the old one was to last; the old one is revoked.

    Not the same link under another name: a mail that was sent to a wrong address may still lie in somebody's mailbox,
    and what was done with a link stays the deed of whom it was sent to. Raises Invalid, LinkRevoked, NotReleased, and
    Conflict when somebody has taken data with the old one.
    """
    (recipient,) = checked_addresses([address])
    if recipient == link.recipient:
        raise Invalid("That is the address it was sent to. Correct it, or have the mail sent again.")
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=link.dataset_id)
        if not dataset.may_be_shared:
            raise NotReleased("The data of this link are no longer kept. Nothing can be downloaded with it.")
        if not revoke_link(link=link, actor=actor, now=now):
            raise LinkRevoked("It was revoked, for good. Share the dataset again.")
        if link.state not in ShareLink.UNTAKEN:
            raise Conflict("Data were taken with this link. Revoke it if that was the wrong person, and share again.")
        made = _same_for(link, dataset, recipient, actor, now)
        _correct_recipient(dataset, link.recipient, recipient)
        announce([made], actor)
        events.address_corrected(made, actor, former=link)
    return made


def _same_for(link: ShareLink, dataset: Dataset, recipient: str, actor: Actor, now: datetime) -> ShareLink:
    (made,) = make_links(
        dataset=dataset,
        recipients=[recipient],
        owner=actor.user,
        label=actor.label,
        occasion=f"corrected:{link.pk}",
        starts_at=now,
        expires_at=now + (link.expires_at - link.starts_at),
        message=link.message,
    )
    made.password_hash, made.ways, made.most_downloads = link.password_hash, link.ways, link.most_downloads
    made.save(update_fields=["password_hash", "ways", "most_downloads"])
    return made


def _correct_recipient(dataset: Dataset, former: str, recipient: str) -> None:
    """In the list that the sender gave, so that a search for either finds what is true now."""
    named = DatasetRecipient.objects.filter(dataset=dataset, email__iexact=former)
    if DatasetRecipient.objects.filter(dataset=dataset, email__iexact=recipient).exists():
        named.delete()
    else:
        named.update(email=recipient)
