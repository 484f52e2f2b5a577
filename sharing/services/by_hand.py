"""A member shares a dataset with people, and takes links back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from portal.actors import Actor
from portal.errors import Invalid
from portal.models import Dataset
from sharing import events
from sharing.errors import NotReleased
from sharing.models import ShareLink
from sharing.services.dispatch import FREE_TERMS, announce, make_links
from sharing.services.terms import Terms

MOST_RECIPIENTS = 100


@dataclass(frozen=True, slots=True)
class ShareWish:
    """What somebody asks for. `occasion` is the form's own: sent twice, it makes nothing twice."""

    recipients: list[str]
    expires_at: datetime
    occasion: str
    message: str = ""
    terms: Terms = FREE_TERMS


def share_by_hand(*, dataset: Dataset, wish: ShareWish, actor: Actor, now: datetime) -> list[ShareLink]:
    """A link and a mail for each recipient; those made. Raises Invalid, NotReleased."""
    recipients = checked_addresses(wish.recipients)
    wish.terms.check()
    if wish.expires_at <= now:
        raise Invalid("The link would end before it starts. Choose a later day.")
    with transaction.atomic():
        locked = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset.pk)
        if not locked.may_be_shared:
            raise NotReleased(f"The dataset is {locked.get_state_display()}. It can be shared until it expires.")
        links = make_links(
            dataset=locked,
            recipients=recipients,
            owner=actor.user,
            label=actor.label,
            occasion=f"hand:{wish.occasion}",
            starts_at=now,
            expires_at=wish.expires_at,
            message=wish.message,
            terms=wish.terms,
        )
        announce(links, actor)
    return links


def revoke_link(*, link: ShareLink, actor: Actor, now: datetime) -> bool:
    """Ends it: the next request is refused. False when it was revoked before."""
    with transaction.atomic():
        unrevoked = ShareLink.objects.filter(pk=link.pk, revoked_at__isnull=True)
        if not unrevoked.update(revoked_at=now, revoked_by=actor.label):
            return False
        link.refresh_from_db(fields=["state", "revoked_at", "revoked_by"])
        events.link_revoked(link, actor)
    return True


def checked_addresses(addresses: Iterable[str]) -> list[str]:
    """In lower case, each once. Raises Invalid naming those that are none."""
    checked = list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
    wrong = [address for address in checked if not _is_address(address)]
    if wrong:
        raise Invalid(f"{', '.join(map(repr, wrong[:5]))}: no e-mail address. Correct it and send again.")
    if not checked or len(checked) > MOST_RECIPIENTS:
        raise Invalid(f"Name 1 to {MOST_RECIPIENTS} recipients, each by their e-mail address.")
    return checked


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
