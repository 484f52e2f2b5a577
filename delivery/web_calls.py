"""Requests to addresses that people typed in. The host is looked up once, the address found is judged, and that very
address is connected to: a name server cannot answer differently in between. Nothing is followed, no proxy is asked.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

ANSWER_BYTES = 2000
_CONNECT, _WHOLE = 10, 20  # seconds
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # https://www.rfc-editor.org/rfc/rfc6052

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class CallFailed(Exception):
    """No answer. Its text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """At most 20 seconds, whatever the other side does. Raises CallFailed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    line = _connected(parts.scheme, host, port)
    guard = threading.Timer(_WHOLE, _cut, [line])
    guard.start()
    try:
        where = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        line.request("POST", where, body, dict(headers))
        answer = line.getresponse()
        return Answer(answer.status, answer.read(ANSWER_BYTES).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CallFailed(f"{host} did not answer as it should: {error or type(error).__name__}.") from error
    finally:
        guard.cancel()
        line.close()


def refuse_address(url: str) -> None:
    """Raises CallFailed for an address that is never connected to: not encrypted, or not on the public network."""
    parts = urlsplit(url)
    listed = _is_listed(parts.hostname or "")
    if parts.scheme != "https" and not (listed and parts.scheme == "http"):
        raise CallFailed("Use an address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise CallFailed("Leave the user name and password out: messages are signed.")
    _judged(parts.hostname or "", _port(url))


def _port(url: str) -> int:
    try:
        return urlsplit(url).port or 443
    except ValueError as error:
        raise CallFailed("The port must be a number between 1 and 65535.") from error


def _connected(scheme: str, host: str, port: int) -> http.client.HTTPConnection:
    address = _judged(host, port)
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    line = kind(host, port, timeout=_CONNECT)
    line.auto_open = 0  # it would look the name up again
    try:
        plain = socket.create_connection((address, port), timeout=_CONNECT)
        line.sock = plain
        if scheme == "https":
            line.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError as error:
        raise CallFailed(f"{host} could not be reached: {error}.") from error
    return line


def _cut(line: http.client.HTTPConnection) -> None:
    if line.sock is not None:
        with suppress(OSError):
            line.sock.shutdown(socket.SHUT_RDWR)


def _judged(host: str, port: int) -> str:
    """One of its addresses, all of which are fit to be connected to."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CallFailed(f"No address is known for the host {host!r}. Check how it is written.") from error
    addresses = [str(each[4][0]) for each in found]
    if not _is_listed(host):
        for address in addresses:
            if not is_public(address):
                raise CallFailed(
                    f"{host} has the address {address}, which is not on the public network. "
                    "Name another host, or ask staff to list it in LABCOURIER_HOOK_HOSTS."
                )
    return addresses[0]


def is_public(text: str) -> bool:
    """Also of the IPv4 address that an IPv6 address may stand for."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in [address, *_stands_for(address)])


def _stands_for(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    meant: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _TRANSLATED:
        meant.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in meant if each is not None]


def _is_listed(host: str) -> bool:
    return host in settings.HOOK_HOSTS


def milliseconds_since(started: float) -> int:
    """`started` as `time.monotonic` said."""
    return round((time.monotonic() - started) * 1000)
