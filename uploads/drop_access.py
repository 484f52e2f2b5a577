"""The one door for visitors who send files in by a drop link: every address below ``/drop/`` asks here first."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.link_passwords import Lock, is_unlocked
from portal.link_tokens import LinkTokens
from portal.templatetags.times import day_text
from uploads.errors import DropLinkOver, DropLinkUnknown
from uploads.models import DropLink

PREFIX = "lcd_"
TOKENS = LinkTokens(PREFIX, b"labcourier drop link 1\0")

_SENDINGS = "drop_link_sendings"


def drop_address(link: DropLink) -> str | None:
    """The whole address of `link`; None when the key that signed it is no longer in the ring."""
    token = TOKENS.of(link.public_id, link.key_id)
    return f"{settings.PORTAL_URL}{reverse('drop', args=[token])}" if token else None


def authorise_drop(token: str, now: datetime) -> DropLink:
    """The link that `token` opens at `now`. Raises DropLinkUnknown or DropLinkOver. Cost: one query."""
    parts = TOKENS.split(token)
    found = DropLink.objects.select_related("project", "instrument", "created_by")
    link = found.filter(public_id=parts[0]).first() if parts else None
    if parts is None or link is None or not TOKENS.opens(link.public_id, link.key_id, parts[1]):
        raise DropLinkUnknown(
            "Check that the address was copied whole; a mail program may have cut it at the end of a line."
        )
    contact = link.project.contact_email
    if link.revoked_at is not None or not link.created_by.is_active:
        raise DropLinkOver(f"It was ended by the people who made it. Ask {contact} for a new one.", contact=contact)
    if link.expires_at <= now:
        raise DropLinkOver(
            f"It worked until {day_text(link.expires_at)}. Ask {contact} for a new one.", contact=contact
        )
    return link


def lock_of(link: DropLink) -> Lock:
    return Lock(f"drop:{link.pk}", link.password_hash)


def note_sending(request: HttpRequest, link: DropLink, dataset_id: UUID) -> None:
    """From now on this browser may fill the dataset."""
    sendings = request.session.get(_SENDINGS, {})
    sendings.setdefault(str(link.pk), []).append(str(dataset_id))
    request.session[_SENDINGS] = sendings


def sendings_of(request: HttpRequest, link: DropLink) -> list[UUID]:
    """Datasets that this browser began by `link`. Another visitor's are as if they did not exist."""
    if not is_unlocked(request, lock_of(link)):
        return []
    return [UUID(dataset_id) for dataset_id in request.session.get(_SENDINGS, {}).get(str(link.pk), [])]
