"""The request target as the client sent it, which signatures are made over."""

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


def raw_target(request: HttpRequest) -> tuple[str, str]:
    """Path and query (without ``?``) of the request line, byte for byte, before any decoding.

    Raises :class:`ImproperlyConfigured` where the server does not pass it: re-quoting the decoded path would accept
    signatures over targets that were never sent. gunicorn passes it as ``RAW_URI``.
    """
    target = request.META.get("RAW_URI")
    if not isinstance(target, str):
        raise ImproperlyConfigured("The server passes no RAW_URI. Serve with gunicorn, as docs/operating.md says.")
    if not target.startswith("/") or "#" in target:
        return "", ""
    path, _, query = target.partition("?")
    return path, query
