"""Decides which addresses our own requests may go to (engineering notes, "Jobs and callbacks": SSRF).

Only public unicast, unless ``settings.OUTGOING_ALLOWED_NETWORKS`` names the network. A name is resolved once, every
one of its addresses is checked, and the connection goes to a checked address: a name that changes in between
(DNS rebinding) leads nowhere else.
"""

import socket
import threading
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings

from credservice.http.client_address import Address, parse_networks

Resolver = Callable[[str, int], list[str]]

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# No place on the internet, whatever the running Python's tables say (they grow with its releases): IETF protocol
# assignments with Teredo, 6to4 and its relays, documentation; Azure's host service, global by IANA's registries.
_NOT_PUBLIC = [
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16", "3fff::/20")
]


class AddressRefused(Exception):
    """The request would go where it must not. The message names the host and the setting, nothing else of the URL."""


class NameNotFound(Exception):
    """The name has no address, or the resolver did not answer in time."""


def checked_addresses(
    host: str, port: int, *, plaintext: bool, seconds: float, resolver: Resolver | None = None
) -> list[str]:
    """Resolve ``host`` to its addresses, each of which may be connected to.

    ``plaintext``: without TLS, which is for allowed networks alone. Raises :class:`AddressRefused`,
    :class:`NameNotFound` (also after ``seconds``).
    """
    addresses = _in_time(lambda: (resolver or resolve)(host, port), host, seconds)
    if not addresses:
        raise NameNotFound(f"{host} has no address")
    for address in addresses:
        _check(host, ip_address(address), plaintext)
    return addresses


def check_literal(host: str, *, plaintext: bool) -> None:
    """Check a host that is itself an address. A name is checked at the time of the connection.

    Raises :class:`AddressRefused`.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return
    _check(host, address, plaintext)


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: Address) -> bool:
    """Tell whether it is a place on the internet: global unicast, and what it stands for as well."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or (IPv4Address(address.packed[-4:]) if address in _NAT64 else None)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC)


def _check(host: str, address: Address, plaintext: bool) -> None:
    plain = (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
    if any(plain in network for network in parse_networks(tuple(settings.OUTGOING_ALLOWED_NETWORKS))):
        return
    if not is_public(plain):
        which = f"{host} is" if host == str(plain) else f"{host} leads to {plain}, which is"
        raise AddressRefused(f"{which} not public and not in OUTGOING_ALLOWED_NETWORKS")
    if plaintext:
        raise AddressRefused(f"{host} must be reached by https: {plain} is not in OUTGOING_ALLOWED_NETWORKS")


def _in_time(work: Callable[[], list[str]], host: str, seconds: float) -> list[str]:
    """The system's resolver knows no time-out of ours, so it is asked in a thread that we can leave."""
    found: list[list[str]] = []

    def run() -> None:
        try:
            found.append(work())
        except (OSError, UnicodeError):
            found.append([])

    thread = threading.Thread(target=run, daemon=True, name="resolver")
    thread.start()
    thread.join(seconds)
    if not found:
        raise NameNotFound(f"{host} was not resolved in {seconds:.0f} s")
    return found[0]
