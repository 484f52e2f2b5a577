"""The addresses by which those who are warned of a deletion say what they want, without an account."""

from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from keeping.models import AskedPerson
from keeping.services.deciders import Role, deciders_of
from portal.errors import Gone, NotFound
from portal.link_tokens import LinkTokens
from portal.templatetags.times import day_text
from sharing.links import address_of
from sharing.models import ShareLink

PREFIX = "lck_"
ANSWERS_FOR = timedelta(days=30)  # after the deletion of which the mail told
TOKENS = LinkTokens(PREFIX, b"labcourier answer to a deletion 1\0")


def answer_address(asked: AskedPerson) -> str | None:
    """The whole address for a mail; None when the key that signed it is no longer in the ring."""
    token = TOKENS.of(asked.public_id, asked.key_id)
    return f"{settings.PORTAL_URL}{reverse('keep_answer', args=[token])}" if token else None


def find_asked(token: str, now: datetime) -> AskedPerson:
    """Whoever was sent `token`, as whom they may answer now, with dataset and project. Raises NotFound, and Gone once
    they have no say or the day of which they were told is long past. Cost: three queries at most.
    """
    parts = TOKENS.split(token)
    found = AskedPerson.objects.select_related("keeping__dataset__project", "keeping__dataset__instrument")
    asked = found.filter(public_id=parts[0]).first() if parts else None
    if parts is None or asked is None or not TOKENS.opens(asked.public_id, asked.key_id, parts[1]):
        raise NotFound("Check that the address was copied whole; a mail program may have cut it at the end of a line.")
    told_of = asked.deletion_at or asked.keeping.deletion_at
    if told_of and now > told_of + ANSWERS_FOR:
        raise Gone(f"It was about a deletion on {day_text(told_of)}. The newest mail has the address that counts.")
    role = _role_now(asked)
    if role is None:
        raise Gone("You have no say about these data any more, as their owner, one of their recipients or a manager.")
    asked.role = role
    return asked


def _role_now(asked: AskedPerson) -> Role | None:
    """It may be another one than when they were asked."""
    links = ShareLink.objects.filter(dataset=asked.keeping.dataset_id, recipient__iexact=asked.email, revoked_at=None)
    decides = deciders_of(asked.keeping).get(asked.email)
    return decides or (Role.RECIPIENT if links.exists() else None)


def address_to_fetch(asked: AskedPerson, now: datetime) -> str:
    """The newest link by which a recipient can still take the data; empty when there is none."""
    if asked.role != AskedPerson.Role.RECIPIENT:
        return ""
    links = ShareLink.objects.open(now).filter(dataset=asked.keeping.dataset_id, recipient__iexact=asked.email)
    link = links.order_by("-pk").first()
    return (address_of(link) or "") if link else ""
