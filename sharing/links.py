"""The tokens and addresses of share links (`portal.link_tokens`)."""

from django.conf import settings
from django.urls import reverse

from portal.link_tokens import LinkTokens
from sharing.models import ShareLink

PREFIX = "lcs_"
TOKENS = LinkTokens(PREFIX, b"labcourier share link 1\0")


def token_of(link: ShareLink) -> str | None:
    """The secret in the address of `link`; None when its key is no longer in the ring."""
    return TOKENS.of(link.public_id, link.key_id)


def address_of(link: ShareLink) -> str | None:
    """The whole address for a mail; None as for :func:`token_of`."""
    token = token_of(link)
    return f"{settings.PORTAL_URL}{reverse('link', args=[token])}" if token else None


def split_token(token: str) -> tuple[str, str] | None:
    """Public id and MAC; None for what has not the shape of a token."""
    return TOKENS.split(token)


def opens(link: ShareLink, mac: str) -> bool:
    """Whether `mac` is the link's own; takes the same time whichever character is wrong."""
    return TOKENS.opens(link.public_id, link.key_id, mac)
