"""Encodes an OAuth 2 client's credentials for Basic authentication."""

from urllib.parse import quote


def basic_auth(client_id: str, secret: str) -> tuple[str, str]:
    """Encode client id and secret as the user name and password of Basic authentication (RFC 6749, 2.3.1).

    A space becomes %20: those who undo this as a form read it, and those who take it for a URL's escapes.
    """
    return quote(client_id, safe=""), quote(secret, safe="")
