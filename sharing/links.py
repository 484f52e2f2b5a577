"""The tokens of share links: derived, never stored, so that a reminder can write the same link again.

    token = `lcs_` + public id (22 characters, 128 random bits) + MAC (22 characters, 128 bits)

The prefix lets logs and searches for lost secrets know one anywhere (`portal.logs`). The MAC is HMAC-SHA256,
shortened, under one of `settings.LINK_KEYS`. Each link remembers by a fingerprint which key signed it; new links take
the first. Taking a key out of the ring ends the links that were made with it.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from django.conf import settings
from django.urls import reverse

from sharing.models import ShareLink

PREFIX = "lcs_"
_TOKEN = re.compile(PREFIX + r"([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{22})")
_PURPOSE = b"labcourier share link 1\0"
_MAC_BYTES = 16


def current_key_id() -> str:
    """The fingerprint of the key that new links are signed with."""
    return _key_id(settings.LINK_KEYS[0])


def token_of(link: ShareLink) -> str | None:
    """The secret in the address of `link`; None when its key is no longer in the ring."""
    key = next((key for key in settings.LINK_KEYS if _key_id(key) == link.key_id), None)
    return f"{PREFIX}{link.public_id}{_mac(key, link.public_id)}" if key else None


def address_of(link: ShareLink) -> str | None:
    """The whole address for a mail; None as for :func:`token_of`."""
    token = token_of(link)
    return f"{settings.PORTAL_URL}{reverse('link', args=[token])}" if token else None


def split_token(token: str) -> tuple[str, str] | None:
    """Public id and MAC; None for what has not the shape of a token."""
    match = _TOKEN.fullmatch(token)
    return (match[1], match[2]) if match else None


def opens(link: ShareLink, mac: str) -> bool:
    """Whether `mac` is the link's own; takes the same time whichever character is wrong."""
    right = token_of(link)
    return right is not None and hmac.compare_digest(right[-len(mac) :].encode(), mac.encode())


def _mac(key: str, public_id: str) -> str:
    digest = hmac.digest(key.encode(), _PURPOSE + public_id.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest[:_MAC_BYTES]).decode().rstrip("=")


def _key_id(key: str) -> str:
    return hashlib.sha256(b"labcourier link key\0" + key.encode()).hexdigest()[:8]
