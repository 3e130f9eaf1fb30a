"""Finds the request target as the client sent it, which signatures are made over."""

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


def raw_target(request: HttpRequest) -> tuple[str, str]:
    """Return path and query (without ``?``) of the request line, byte for byte, before any decoding.

    Raises :class:`ImproperlyConfigured` where the server does not pass it: re-quoting the decoded path would accept
    signatures over targets that were never sent. ``credservice.serving`` passes it as ``RAW_URI``.
    """
    target = request.META.get("RAW_URI")
    if not isinstance(target, str):
        raise ImproperlyConfigured("The server passes no RAW_URI. Serve with the command of docs/operating.md.")
    if not target.startswith("/") or "#" in target:
        return "", ""
    path, _, query = target.partition("?")
    return path, query
