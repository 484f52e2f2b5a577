"""The request headers of tus 1.0, read strictly: https://tus.io/protocols/resumable-upload"""

import base64
import binascii
import re
from collections.abc import Mapping

_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
_METADATA_KEY = re.compile(r"[!-+\--~]+")  # visible ASCII without the comma


class HeaderRefused(Exception):
    """A header that makes no sense; its text says which and what is wanted."""


def whole_number(headers: Mapping[str, str], name: str) -> int:
    """A length or offset: ASCII digits only, at most 18 of them."""
    text = headers.get(name, "")
    if not _WHOLE_NUMBER.fullmatch(text):
        raise HeaderRefused(f"{name} must be a whole number of bytes, not {text[:40]!a}.")
    return int(text)


def parse_metadata(header: str) -> dict[str, bytes]:
    """`Upload-Metadata`: ASCII keys with an optional Base64 value, between commas; empty is fine."""
    metadata: dict[str, bytes] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if not _METADATA_KEY.fullmatch(key):
            raise HeaderRefused(f"Upload-Metadata has a key that is not visible ASCII: {key[:40]!a}.")
        if key in metadata:
            raise HeaderRefused(f"Upload-Metadata has the key {key[:40]!a} twice.")
        metadata[key] = _decoded(key, encoded.strip())
    return metadata


def _decoded(key: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HeaderRefused(f"Upload-Metadata: the value of {key[:40]!a} is not Base64.") from error
