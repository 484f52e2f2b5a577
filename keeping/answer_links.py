"""The addresses by which those who are warned of a deletion say what they want, without an account."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from keeping.models import AskedPerson
from portal.errors import NotFound
from portal.link_tokens import LinkTokens
from sharing.links import address_of
from sharing.models import ShareLink

PREFIX = "lck_"
TOKENS = LinkTokens(PREFIX, b"labcourier answer to a deletion 1\0")


def answer_address(asked: AskedPerson) -> str | None:
    """The whole address for a mail; None when the key that signed it is no longer in the ring."""
    token = TOKENS.of(asked.public_id, asked.key_id)
    return f"{settings.PORTAL_URL}{reverse('keep_answer', args=[token])}" if token else None


def find_asked(token: str) -> AskedPerson:
    """Whoever was sent `token`, with dataset and project. Raises NotFound. Cost: one query."""
    parts = TOKENS.split(token)
    found = AskedPerson.objects.select_related("keeping__dataset__project", "keeping__dataset__instrument")
    asked = found.filter(public_id=parts[0]).first() if parts else None
    if parts is None or asked is None or not TOKENS.opens(asked.public_id, asked.key_id, parts[1]):
        raise NotFound("Check that the address was copied whole; a mail program may have cut it at the end of a line.")
    return asked


def address_to_fetch(asked: AskedPerson, now: datetime) -> str:
    """The newest link by which a recipient can still take the data; empty when there is none."""
    if asked.role != AskedPerson.Role.RECIPIENT:
        return ""
    links = ShareLink.objects.open(now).filter(dataset=asked.keeping.dataset_id, recipient__iexact=asked.email)
    link = links.order_by("-pk").first()
    return (address_of(link) or "") if link else ""
