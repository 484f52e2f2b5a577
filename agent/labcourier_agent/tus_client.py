"""A small tus 1.0 client (https://tus.io/protocols/resumable-upload): one request per call, no retries of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx2

from labcourier_agent.exits import Busy, NotFound
from labcourier_agent.wire import heard_from, raise_unless_ok

VERSION = {"Tus-Resumable": "1.0.0"}
OCTETS = {"Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class Created:
    """`offset` counts the bytes that were taken together with the creation."""

    url: str
    offset: int


class TusClient:
    """Thread-safe. Errors of every method: the tree in exits.py; Conflict is a wrong offset, NotFound a gone upload."""

    def __init__(self, http: httpx2.Client, endpoint: str) -> None:
        self._http = http
        self._endpoint = endpoint

    def create(self, length: int, metadata: Mapping[str, str], body: bytes = b"") -> Created:
        """With `body` the bytes travel in the same request (extension creation-with-upload)."""
        headers = VERSION | {"Upload-Length": str(length), "Upload-Metadata": encode_metadata(metadata)}
        headers |= OCTETS if body else {}
        response = self._send("POST", self._endpoint, headers, body)
        location = response.headers.get("Location")
        if location is None:
            raise Busy("The portal created an upload without saying where.")
        return Created(self._at_endpoint(location), int(response.headers.get("Upload-Offset", "0")))

    def offset(self, url: str, length: int) -> int:
        """Bytes the portal holds. NotFound too when the upload there has another length: it is not ours."""
        response = self._send("HEAD", url, VERSION)
        if response.headers.get("Upload-Length", str(length)) != str(length):
            raise NotFound("The upload at the portal has another length.")
        return _read_offset(response)

    def append(self, url: str, offset: int, length: int, pieces: Iterator[bytes]) -> int:
        """PATCH `length` bytes at `offset`. Returns the new offset. What `pieces` raises comes through."""
        headers = VERSION | OCTETS | {"Upload-Offset": str(offset), "Content-Length": str(length)}
        return _read_offset(self._send("PATCH", url, headers, pieces))

    def address(self, upload_id: str) -> str:
        return urljoin(self._endpoint, upload_id)

    def terminate(self, url: str) -> None:
        try:
            self._send("DELETE", url, VERSION)
        except NotFound:
            return

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterator[bytes] = b""
    ) -> httpx2.Response:
        with heard_from(url):
            response = self._http.request(method, url, headers=headers, content=body or None)
        raise_unless_ok(response)
        return response

    def _at_endpoint(self, location: str) -> str:
        """Only path and query of a Location count: the token goes to no other host, whatever a proxy wrote there."""
        place = urlsplit(urljoin(self._endpoint, location))
        return urlsplit(self._endpoint)._replace(path=place.path, query=place.query).geturl()


def encode_metadata(metadata: Mapping[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items())


def _read_offset(response: httpx2.Response) -> int:
    value = response.headers.get("Upload-Offset", "")
    if not value.isdecimal():
        raise Busy("The portal did not say how far the upload came.")
    return int(value)
