"""Tokens in the addresses of links: derived, never stored, so that a reminder can write the same link again.

    token = prefix + public id (22 characters, 128 random bits) + MAC (22 characters, 128 bits)

The prefix lets logs and searches for lost secrets know one anywhere (``portal.logs``). The MAC is HMAC-SHA256,
shortened, under one of ``settings.LINK_KEYS``, over the kind's own purpose, so that no kind opens another. Each link
remembers by a fingerprint which key signed it; new links take the first. Taking a key out of the ring ends the links
that were made with it.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from django.conf import settings

_MAC_BYTES = 16
_TWO_PARTS = re.compile(r"([A-Za-z0-9_-]{22})([A-Za-z0-9_-]{22})")


def new_public_id() -> str:
    """128 random bits, as 22 characters fit for an address."""
    return secrets.token_urlsafe(16)


def current_key_id() -> str:
    """The fingerprint of the key that new links are signed with."""
    return _key_id(settings.LINK_KEYS[0])


@dataclass(frozen=True)
class LinkTokens:
    """The tokens of one kind of link."""

    prefix: str
    purpose: bytes

    def of(self, public_id: str, key_id: str) -> str | None:
        """The secret in the link's address; None when its key is no longer in the ring."""
        key = next((key for key in settings.LINK_KEYS if _key_id(key) == key_id), None)
        return f"{self.prefix}{public_id}{self._mac(key, public_id)}" if key else None

    def split(self, token: str) -> tuple[str, str] | None:
        """Public id and MAC; None for what has not the shape of a token."""
        match = _TWO_PARTS.fullmatch(token.removeprefix(self.prefix)) if token.startswith(self.prefix) else None
        return (match[1], match[2]) if match else None

    def opens(self, public_id: str, key_id: str, mac: str) -> bool:
        """Whether `mac` is the link's own; takes the same time whichever character is wrong."""
        right = self.of(public_id, key_id)
        return right is not None and hmac.compare_digest(right[-len(mac) :].encode(), mac.encode())

    def _mac(self, key: str, public_id: str) -> str:
        digest = hmac.digest(key.encode(), self.purpose + public_id.encode(), hashlib.sha256)
        return urlsafe_b64encode(digest[:_MAC_BYTES]).decode().rstrip("=")


def _key_id(key: str) -> str:
    return hashlib.sha256(b"labcourier link key\0" + key.encode()).hexdigest()[:8]
