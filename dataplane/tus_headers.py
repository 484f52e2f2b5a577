"""The request headers of tus 1.0, read strictly: https://tus.io/protocols/resumable-upload"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from dataplane.receive import CHECKSUM_ALGORITHMS, Checksum

_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
_METADATA_KEY = re.compile(r"[!-+\--~]+")  # visible ASCII without the comma
_PARTS = re.compile(r"final; ?(\S+(?: \S+)*)")


class HeaderRefused(Exception):
    """A header that makes no sense; its text says which and what is wanted."""


def whole_number(headers: Mapping[str, str], name: str) -> int:
    """A length or offset: ASCII digits only, at most 18 of them."""
    text = headers.get(name, "")
    if not _WHOLE_NUMBER.fullmatch(text):
        raise HeaderRefused(f"{name} must be a whole number of bytes, not {text[:40]!a}.")
    return int(text)


def upload_length(headers: Mapping[str, str]) -> int | None:
    """The length of a new upload; None when the client says that it does not know it yet."""
    deferred = headers.get("upload-defer-length")
    if deferred is None:
        return whole_number(headers, "upload-length")
    if "upload-length" in headers:
        raise HeaderRefused("Send either Upload-Length or Upload-Defer-Length, not both.")
    if deferred != "1":
        raise HeaderRefused(f"Upload-Defer-Length must be 1, not {deferred[:40]!a}.")
    return None


def parse_metadata(header: str) -> dict[str, bytes]:
    """`Upload-Metadata`: ASCII keys with an optional Base64 value, between commas; empty is fine."""
    metadata: dict[str, bytes] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        if not _METADATA_KEY.fullmatch(key):
            raise HeaderRefused(f"Upload-Metadata has a key that is not visible ASCII: {key[:40]!a}.")
        if key in metadata:
            raise HeaderRefused(f"Upload-Metadata has the key {key[:40]!a} twice.")
        metadata[key] = _decoded(encoded.strip(), f"Upload-Metadata: the value of {key[:40]!a}")
    return metadata


def parse_checksum(header: str | None) -> Checksum | None:
    """`Upload-Checksum`: the name of an algorithm, a space and the Base64 of the digest; None without the header."""
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if algorithm not in CHECKSUM_ALGORITHMS:
        offered = ", ".join(CHECKSUM_ALGORITHMS)
        raise HeaderRefused(f"Upload-Checksum: {algorithm[:40]!a} is not offered here. Use one of {offered}.")
    digest = _decoded(encoded, "Upload-Checksum: what follows the algorithm")
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise HeaderRefused(f"Upload-Checksum: a digest of {algorithm} does not have {len(digest)} bytes.")
    return Checksum(algorithm, digest)


def parse_concat(header: str) -> tuple[str, ...]:
    """`Upload-Concat`: the upload ids of the parts, none for a part itself.

    Of an address only its last name counts: clients send it absolute or relative, and proxies rewrite hosts.
    """
    if header == "partial":
        return ()
    final = _PARTS.fullmatch(header)
    if final is None:
        raise HeaderRefused("Upload-Concat must be `partial`, or `final;` and addresses of uploads between spaces.")
    return tuple(urlsplit(address).path.rpartition("/")[2] for address in final[1].split(" "))


def _decoded(encoded: str, what: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise HeaderRefused(f"{what} is not Base64.") from error
