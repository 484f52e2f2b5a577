"""Which hosts people may name: not this machine itself, nor what only machines beside it can reach.

File servers usually have private addresses, so those are fine; a site lists further hosts in its settings.
"""

import ipaddress
import socket
from collections.abc import Iterable

from django.conf import settings

from portal.errors import Invalid


def refuse_own_hosts(hosts: Iterable[str]) -> None:
    """Raises Invalid for a host that nobody knows, or that is this machine. Asks the name server."""
    for host in hosts:
        if host in settings.DESTINATION_HOSTS:
            continue
        if any(_is_own(address) for address in addresses_of(host)):
            raise Invalid(
                f"{host} is an address of the portal's own machine or network. "
                "Name another one, or ask staff to list it in LABCOURIER_DESTINATION_HOSTS."
            )


def addresses_of(host: str) -> set[str]:
    """Raises Invalid for a host that nobody knows."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except (OSError, UnicodeError) as error:
        raise Invalid(f"No address is known for the host {host!r}. Check how it is written.") from error


def _is_own(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_link_local or mapped.is_unspecified or mapped.is_multicast)
