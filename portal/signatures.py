"""Messages between programs, signed so that the other side knows whose they are, that they are whole and not old.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"
OLDEST = 300  # seconds, and as much for a clock that is fast


def require_key(secret: str) -> str:
    """``secret``; raises ValueError with its remedy for one that is not base64 as the scheme wants it."""
    try:
        base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("must be base64; make one with `openssl rand -base64 48`") from error
    return secret


def signature_of(secret: str, name: str, stamp: str, body: bytes) -> str:
    """``name`` of the message, ``stamp``: seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, b".".join([name.encode(), stamp.encode(), body]), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the three ``webhook-`` headers fit ``body`` and are of this moment."""
    name, stamp, given = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not stamp.isdecimal() or not stamp.isascii() or abs(now.timestamp() - int(stamp)) > OLDEST:
        return False
    right = signature_of(secret, name, stamp, body).encode()
    return any(hmac.compare_digest(right, one.encode()) for one in given.split(" "))
