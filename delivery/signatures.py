"""How messages of hooks are signed, so that whoever gets them knows that they are ours, whole and not old.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import secrets
from datetime import datetime

from portal.signatures import PREFIX, signature_of


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(secret: str, name: str, body: bytes, now: datetime) -> dict[str, str]:
    """`name` of the message stays the same at each try, the time is that of the try."""
    stamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "User-Agent": "Labcourier",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": signature_of(secret, name, stamp, body),
    }
