"""Secrets of destinations: encrypted under the first of `settings.DESTINATION_KEYS`, readable with any of them."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from portal.errors import Conflict


def lock_away(secrets: Mapping[str, str]) -> str:
    """What may stand in the database."""
    return _keys().encrypt(json.dumps(dict(secrets)).encode()).decode()


def unlock(locked: str) -> dict[str, str]:
    """Raises Conflict when its key is no longer in the ring."""
    try:
        found: dict[str, str] = json.loads(_keys().decrypt(locked.encode()))
    except InvalidToken as error:
        raise Conflict(
            "The secrets of this destination cannot be read any more: their key was taken out of "
            "LABCOURIER_DESTINATION_KEYS. Register the destination again."
        ) from error
    return found


def _keys() -> MultiFernet:
    """From each secret of the ring a key of the length that Fernet wants."""
    digests = (hashlib.sha256(b"labcourier destination key\0" + key.encode()).digest() for key in _ring())
    return MultiFernet([Fernet(urlsafe_b64encode(digest)) for digest in digests])


def _ring() -> list[str]:
    keys: list[str] = settings.DESTINATION_KEYS
    return keys
