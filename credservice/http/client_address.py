"""The address of who called, told apart from the proxies in front of us."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Headers of a request that somebody passed on for somebody else.
_RELAYED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@lru_cache(maxsize=64)
def parse_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Networks in CIDR form; a lone address is a network of one. Raises ValueError with the text that is neither."""
    return tuple(ip_network(text.strip(), strict=False) for text in texts)


def is_within(address: str | None, networks: tuple[Network, ...]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


def client_address(request: HttpRequest) -> str | None:
    """The nearest address that is not one of ``TRUSTED_PROXIES``; ``None`` behind a unix socket.

    ``X-Forwarded-For`` is believed from right to left, and only as long as each hop is a trusted proxy.
    """
    address = _parse(request.META.get("REMOTE_ADDR"))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hops and _is_proxy(address):
        hop = _parse(hops.pop().strip())
        if hop is None:
            break
        address = hop
    return str(address) if address is not None else None


def network_address(request: HttpRequest) -> str | None:
    """:func:`client_address` where lists of networks may go by it; otherwise ``None``, which is in none.

    Whoever speaks for somebody else without being a trusted proxy is a proxy that nobody has named: its own address,
    loopback perhaps, would let in everybody behind it.
    """
    relayed = any(header in request.META for header in _RELAYED)
    return None if relayed and not is_from_proxy(request) else client_address(request)


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether one of ``TRUSTED_PROXIES`` passed this on: only then do its ``X-Forwarded-`` headers say something."""
    return _is_proxy(_parse(request.META.get("REMOTE_ADDR")))


def _is_proxy(address: Address | None) -> bool:
    """Behind a unix socket there is nobody but the proxy, where there is to be one."""
    proxies = parse_networks(tuple(settings.TRUSTED_PROXIES))
    return bool(proxies) and (address is None or any(address in network for network in proxies))


def _parse(text: str | None) -> Address | None:
    try:
        # Without a link-local address's zone (RFC 4007): networks have none, and PostgreSQL's inet takes none.
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
