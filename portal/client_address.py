"""Where a request comes from. Forwarding headers are believed only from the proxies named in the settings."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddressMiddleware:
    """Replaces ``REMOTE_ADDR`` and the scheme by what a trusted proxy says; drops what anybody else says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded_for = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        proto = request.META.pop("HTTP_X_FORWARDED_PROTO", "")
        if is_trusted(request.META.get("REMOTE_ADDR", "")):
            request.META["REMOTE_ADDR"] = _first_untrusted(forwarded_for, request.META["REMOTE_ADDR"])
            if proto in ("http", "https"):
                request.META["wsgi.url_scheme"] = proto
                request.environ["wsgi.url_scheme"] = proto  # type: ignore[attr-defined]
        return self.get_response(request)


def client_address(request: HttpRequest) -> str:
    """The caller's IP address as text, empty when the server listens on a Unix socket without a proxy."""
    return str(request.META.get("REMOTE_ADDR", ""))


def is_trusted(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address == "" and "unix" in settings.TRUSTED_PROXIES
    return any(ip in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))


def _first_untrusted(forwarded_for: str, peer: str) -> str:
    """The rightmost address that is not a proxy of ours: what stands left of it the client may have invented."""
    for address in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        if not _is_address(address):
            return peer
        if not is_trusted(address):
            return address
    return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(proxy, strict=False) for proxy in proxies if proxy != "unix"]
