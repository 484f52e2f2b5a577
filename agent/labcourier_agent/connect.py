"""The command `connect`: a portal's address and a token are tried, then stored."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from labcourier_agent.exits import BadUsage, NotFound, Unreachable
from labcourier_agent.portal_client import Connection, PortalClient, refuse_if_outdated
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Folders, Portal, read_portals, store_portals
from labcourier_agent.wire import open_http

ANSWER_WITHIN = 20.0
ADDRESS_SHAPE = re.compile(r"https?://\S+")
TOKEN_SHAPE = re.compile(r"[!-~]+")


def connect(
    folders: Folders, address: str, token: str, *, name: str | None, as_default: bool
) -> tuple[Portal, Connection, bool]:
    """The stored portal, what it said, and whether it is the default one now.

    Errors: BadUsage, AccessRefused, NotFound when nothing of that name answers, Unreachable, Refused when outdated.
    """
    url = portal_url(address)
    if not TOKEN_SHAPE.fullmatch(token):
        raise BadUsage("The token has characters that no token has: copy it again, without spaces or line ends.")
    portals = read_portals(folders.config)
    connection = _ask(url, token)
    refuse_if_outdated(connection)
    project = connection.project_code
    portal = Portal(name or portals.name_for(url, project), url, token, project)
    portals = portals.with_portal(portal, as_default=as_default)
    store_portals(folders.config, portals)
    return portal, connection, portals.default == portal.name


def portal_url(address: str) -> str:
    """With https:// where no scheme is given, without a slash at the end. Errors: BadUsage."""
    full = address.strip() if "://" in address else f"https://{address.strip()}"
    wrong = BadUsage(f"{address} is no portal's address: it looks like https://portal.example.org.")
    if not ADDRESS_SHAPE.fullmatch(full):
        raise wrong
    try:
        url = httpx2.URL(full.rstrip("/"))
    except httpx2.InvalidURL as error:
        raise wrong from error
    if not url.host or url.query or url.fragment or url.userinfo:
        raise wrong
    if url.scheme == "http" and not _is_loopback(url.host):
        LOGGER.warning("http:// sends token and data unencrypted: use https:// outside of tests.")
    return str(url).rstrip("/")


@contextmanager
def first_questions(url: str) -> Iterator[None]:
    """What is asked of an address that was just typed in: what is wrong with it is told as such. Raises NotFound."""
    try:
        yield
    except NotFound as error:
        raise NotFound(f"{url} answers, but not as a Labcourier portal: check the address.") from error
    except Unreachable as error:
        if error.no_such_host:
            raise NotFound(error.sentence) from error
        raise


def _ask(url: str, token: str) -> Connection:
    with open_http(token, answer_within=ANSWER_WITHIN) as http, first_questions(url):
        return PortalClient(http, url).connection()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
