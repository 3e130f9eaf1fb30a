"""Finds the address of a caller, told apart from the proxies in front of us.

A hop that cannot be read is nobody, never the hop before it: else whoever hides behind it is taken for the proxy.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpHeaders, HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

EXAMPLE = "write an address, or a network such as 203.0.113.0/24"
# Headers of a request that somebody passed on for somebody else.
RELAYED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_RELAYED = tuple(HttpHeaders.to_wsgi_name(name) for name in RELAYED)
# As some gateways write a hop: with its port, IPv6 in brackets (RFC 7239, 6).
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}")


@lru_cache(maxsize=64)
def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Parse networks in CIDR form; a lone address is a network of one. Raises ValueError that names all that are
    neither."""
    found, wrong = [], []
    for text in texts:
        try:
            found.append(ip_network(text.strip(), strict=False))
        except ValueError:
            wrong.append(repr(text))
    if wrong:
        raise ValueError(f"{', '.join(wrong)} {'is no network' if len(wrong) == 1 else 'are no networks'}; {EXAMPLE}")
    return tuple(found)


def is_within(address: str | None, networks: tuple[Network, ...]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


def client_address(request: HttpRequest) -> str | None:
    """Find the nearest address that is not one of ``TRUSTED_PROXIES``.

    ``X-Forwarded-For`` is believed from right to left, and only as long as each hop is a trusted proxy. ``None`` is
    nobody: a hop that cannot be read, a proxy that names its caller in another header alone, a unix socket.
    """
    address = _parse(request.META.get("REMOTE_ADDR"))
    if not _is_proxy(address) or not _is_relayed(request):
        return str(address) if address is not None else None
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_proxy(address):
        address = _parse_hop(hops.pop().strip())
        if address is None:
            return None
    return str(address)


def network_address(request: HttpRequest) -> str | None:
    """Return :func:`client_address` where lists of networks may go by it; otherwise ``None``, which is in none.

    Whoever speaks for somebody else without being a trusted proxy is a proxy that nobody has named: its own address,
    loopback perhaps, would let in everybody behind it.
    """
    return None if is_of_unknown_proxy(request) else client_address(request)


def is_of_unknown_proxy(request: HttpRequest) -> bool:
    """Tell whether somebody who is no trusted proxy passed this on."""
    return _is_relayed(request) and not is_from_proxy(request)


def is_from_proxy(request: HttpRequest) -> bool:
    """Tell whether one of ``TRUSTED_PROXIES`` passed this on: only then its ``X-Forwarded-`` headers count."""
    return _is_proxy(_parse(request.META.get("REMOTE_ADDR")))


def networks_of(source: str | None) -> tuple[str, ...]:
    """Name whom to count for an address, narrowest first.

    An IPv4 address is counted itself. Of IPv6 one caller has a network of 2^64, and may be given 2^16 of those.
    """
    address = _parse(source)
    if address is None:
        return ("unknown",)
    if address.version == 4:
        return (str(address),)
    return tuple(str(ip_network((address, bits), strict=False)) for bits in (64, 48))


def _is_proxy(address: Address | None) -> bool:
    """Behind a unix socket there is nobody but the proxy, where there is to be one."""
    proxies = parse_networks(tuple(settings.TRUSTED_PROXIES))
    return bool(proxies) and (address is None or any(address in network for network in proxies))


def _is_relayed(request: HttpRequest) -> bool:
    return any(header in request.META for header in _RELAYED)


def _parse_hop(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    return _parse((match["v6"] or match["v4"]) if match else text)


@lru_cache(1024)
def _parse(text: str | None) -> Address | None:
    """Read an address; the same few come again and again, from a platform or a proxy."""
    try:
        # Without a link-local address's zone (RFC 4007): networks have none, and PostgreSQL's inet takes none.
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
