"""From this computer to the portal: proxy, name, connection, certificate."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from labcourier_agent import __version__
from labcourier_agent.doctor import Finding, fail, ok, until_failure, warn
from labcourier_agent.log_file import redacted

PATIENCE = 10.0
CERTIFICATE_SOON = timedelta(days=14)
# OpenSSL's X509_V_ERR_ numbers, see verify(1).
EXPIRED, NOT_YET = {10}, {9}
UNTRUSTED = {2, 18, 19, 20, 21, 27}
OTHER_NAME = {62, 64}


@dataclass(frozen=True)
class Route:
    """The way to a portal: `proxy` is None where the connection is direct."""

    host: str
    port: int
    secure: bool
    proxy: SplitResult | None

    @classmethod
    def to(cls, url: str) -> Route:
        parts = urlsplit(url)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        proxy = "" if proxy_bypass(host) else getproxies().get(parts.scheme) or getproxies().get("all", "")
        full = proxy if not proxy or "://" in proxy else f"http://{proxy}"
        return cls(host, parts.port or (443 if secure else 80), secure, urlsplit(full) if full else None)

    @property
    def first_hop(self) -> tuple[str, int]:
        """Whom this computer itself has to reach."""
        if self.proxy is None:
            return self.host, self.port
        return self.proxy.hostname or "", self.proxy.port or (443 if self.proxy.scheme == "https" else 80)

    def open(self, *, trusting: bool = True) -> http.client.HTTPConnection:
        """Not connected yet. `trusting`: as the agent trusts; else any certificate is taken, to look at it."""
        host, port = self.first_hop
        if not self.secure:
            return http.client.HTTPConnection(host, port, timeout=PATIENCE)
        context = httpx2.create_ssl_context() if trusting else httpx2.create_ssl_context(verify=False)
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
        if self.proxy is not None:
            connection.set_tunnel(self.host, self.port, {"User-Agent": f"labcourier-agent/{__version__}"})
        return connection


def look_at_network(url: str) -> Iterator[Finding]:
    route = Route.to(url)
    yield from until_failure([_proxy(route), _name(route), _connection(route), _certificate(route)])


def _proxy(route: Route) -> Iterator[Finding]:
    if route.proxy is None:
        yield ok("proxy", "none is used")
        return
    said = redacted(route.proxy.geturl())
    if route.proxy.scheme not in ("http", "https"):
        remedy = "Set HTTPS_PROXY to an http:// proxy, or NO_PROXY to this portal's name."
        yield warn("proxy", f"{said} is of a kind that this check cannot go through", remedy)
    else:
        yield ok("proxy", f"{said} (from the environment or the system's settings)")


def _name(route: Route) -> Iterator[Finding]:
    host, port = route.first_hop
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        yield fail(
            "name", f"there is no address for {host} ({error})", "Check the spelling and the name service (DNS)."
        )
        return
    yield ok("name", f"{host} is {', '.join(dict.fromkeys(str(entry[4][0]) for entry in found))}")


def _connection(route: Route) -> Iterator[Finding]:
    host, port = route.first_hop
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        remedy = "Check the port in the address, and that the portal (or its proxy) runs."
        yield fail("connection", f"{host} refuses connections at port {port}", remedy)
    except OSError as error:
        remedy = "A firewall may be in between: ask for outgoing connections to this host and port."
        yield fail("connection", f"{host} does not answer at port {port} ({error})", remedy)
    else:
        yield ok("connection", f"{host} answers at port {port}")


def _certificate(route: Route) -> Iterator[Finding]:
    if not route.secure:
        yield warn("encryption", "http:// sends token and data readable", "Use the portal's https:// address.")
        return
    connection = route.open()
    try:
        connection.connect()
        secure = cast(ssl.SSLSocket, connection.sock)
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"])), UTC)
    except ssl.SSLCertVerificationError as error:
        yield _distrust(error, route)
    except (OSError, http.client.HTTPException) as error:
        remedy = "Check that the address belongs to https://, and what a proxy or virus scanner in between does."
        yield fail("encryption", f"no TLS connection ({error})", remedy)
    else:
        yield _lasting(ends)
    finally:
        connection.close()


def _distrust(error: ssl.SSLCertVerificationError, route: Route) -> Finding:
    code = error.verify_code
    if code in EXPIRED:
        return fail("certificate", "it has expired", "Tell the portal's admins to renew it, or set this clock right.")
    if code in NOT_YET:
        return fail("certificate", "it is not valid yet", "Set this computer's clock right.")
    if code in OTHER_NAME:
        remedy = "Use the address the certificate was made for, or have the portal's admins add this name to it."
        return fail("certificate", f"it is not for {route.host}", remedy)
    if code in UNTRUSTED:
        remedy = "If the site has its own authority, set SSL_CERT_FILE to a file with its certificate."
        return fail("certificate", f"it is signed by somebody this computer does not trust ({_reason(error)})", remedy)
    return fail("certificate", _reason(error), "Show this line to the portal's admins.")


def _lasting(ends: datetime) -> Finding:
    if ends - datetime.now(UTC) < CERTIFICATE_SOON:
        return warn("certificate", f"it ends on {ends:%Y-%m-%d}", "Tell the portal's admins to renew it in time.")
    return ok("certificate", f"trusted, valid until {ends:%Y-%m-%d}")


def _reason(error: ssl.SSLCertVerificationError) -> str:
    return error.verify_message or str(error)
