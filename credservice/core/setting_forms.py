"""Says what is wrong with the form of a setting: what an env file, a copied address or an editor has put around it.

Each function returns a phrase that follows the value's name, or None where nothing is wrong.
"""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.ASCII | re.IGNORECASE)
_IN_QUOTES = "is in quotes, which are read as part of it: take them off"
_INVISIBLE = "holds a blank, a line break or an invisible character"


def fault_of_text(text: str) -> str | None:
    """Look for quotes around it, which only a shell takes off."""
    return _IN_QUOTES if len(text) > 1 and text[0] in "\"'" and text[0] == text[-1] else None


def fault_of_host(text: str) -> str | None:
    """Judge a host name or an address, an IPv6 address in brackets."""
    fault = _fault_of_characters(text)
    if fault:
        return fault
    if "/" in text:
        return "is an address with a scheme or a path: write the host name alone"
    if _is_ipv6(text):
        return f"is an IPv6 address, which stands in brackets: [{text}]"
    name, colon, port = text.rpartition(":")
    if colon and port.isdigit() and _is_host(name):
        return "ends with a port: write the host name alone"
    if not _is_host(text):
        return "is no host name (letters beyond a to z are written in punycode, xn--...)"
    return None


def fault_of_url(text: str) -> str | None:
    """Judge an address that others begin theirs with: a scheme, a host, perhaps a port and a path."""
    fault = _fault_of_characters(text)
    if fault:
        return fault
    try:
        url, port = urlsplit(text), urlsplit(text).port
    except ValueError:
        return "is no address: the host or the port cannot be read"
    if url.scheme not in ("https", "http") or not url.netloc:
        return "must begin with https:// (or http://)"
    if "@" in url.netloc or "?" in text or "#" in text:
        return "must hold no user name, query or fragment"
    if not _is_host(url.netloc.removesuffix(f":{port}")):
        return "names no host"
    return None


def fault_of_origin(text: str) -> str | None:
    """Judge a scheme, a host and perhaps a port, with nothing behind; ``*.`` before the host is any name below it."""
    plain = text.replace("://*.", "://", 1)
    path = None if fault_of_url(plain) else urlsplit(plain).path
    return fault_of_url(plain) or ("must end after the host or the port" if path else None)


def _fault_of_characters(text: str) -> str | None:
    if set(text) & set("\"'"):
        return _IN_QUOTES
    return None if text.isprintable() and " " not in text else _INVISIBLE


def _is_host(text: str) -> bool:
    return bool(_HOST.fullmatch(text)) or (text[:1] == "[" and text[-1:] == "]" and _is_ipv6(text[1:-1]))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
