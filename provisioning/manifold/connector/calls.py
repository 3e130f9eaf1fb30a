"""Makes one request to a marketplace's connector: an address under its ``connector_url``, and no other.

The URL of a callback comes from outside, and gets plaintext credentials: so its origin and path are compared with the
connector's before anything is sent, and a redirect is an answer, never followed (docs/protocols/manifold.md).
"""

import re
from collections.abc import Mapping
from typing import Any

import httpx2

from credservice.http.outgoing import AddressRefused, AnswerRefused, check_url, client
from provisioning.models import Marketplace

DEFAULT_SECONDS = 10.0
MAX_URL = 2048
# No percent escapes, which a server behind the connector's might read as a way out of its path.
_SEGMENT = re.compile(r"[A-Za-z0-9._~:@-]+")
_QUERY = re.compile(rb"[A-Za-z0-9._~:@!$&'()*+,;=/?%-]*")


class ConnectorError(Exception):
    """The request got no answer. Says why in a phrase without secrets, such as "cannot be reached (ReadTimeout)"."""


class ConnectorUnreachable(ConnectorError):
    """Asking again may help."""


class ConnectorRefused(ConnectorError):
    """We do not send this, or do not take its answer: the address or the size of the answer is at fault."""


def call(
    marketplace: Marketplace,
    method: str,
    path: str,
    *,
    token: str | None = None,
    json: Any = None,
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    seconds: float = DEFAULT_SECONDS,
    status_decides: bool = False,
) -> httpx2.Response:
    """Get the connector's answer, whatever its status. ``path`` is under ``connector_url``, such as ``/oauth/tokens``.

    With ``status_decides`` a body that cannot be taken is left out.
    ``auth`` is a user name and password for basic authentication. Raises :class:`ConnectorError`.
    """
    url = check_connector_url(marketplace, marketplace.connector_url.rstrip("/") + path)
    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return _request(method, url, seconds, status_decides, headers=headers, json=json, data=form, auth=auth)


def put_bytes(
    marketplace: Marketplace, url: str, body: bytes, *, token: str, seconds: float = DEFAULT_SECONDS
) -> httpx2.Response:
    """PUT exactly these bytes, which are JSON, at a callback's URL. Raises :class:`ConnectorError`."""
    check_connector_url(marketplace, url)
    headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return _request("PUT", url, seconds, True, headers=headers, content=body)


def check_connector_url(marketplace: Marketplace, url: str) -> str:
    """Return ``url`` where it is the connector's: its scheme, host and port, and under its path.

    Raises :class:`ConnectorRefused` with a phrase that follows "the url ".
    """
    try:
        ours, theirs = (httpx2.URL(check_url(text)) for text in (marketplace.connector_url, url))
    except ValueError as error:
        raise ConnectorRefused(str(error)) from None
    if len(url) > MAX_URL:
        raise ConnectorRefused(f"is longer than {MAX_URL} characters")
    if _origin(ours) != _origin(theirs):
        raise ConnectorRefused("is not at the host of the marketplace's connector")
    # The path as it was written: a parsed one has its dot segments resolved.
    written = url.split("://", 1)[1].partition("?")[0].partition("/")[2].split("/")
    base = [part for part in ours.path.split("/") if part]
    if written[: len(base)] != base or len(written) == len(base) or not all(map(_is_plain, written)):
        raise ConnectorRefused("is not under the path of the marketplace's connector")
    if not _QUERY.fullmatch(theirs.query):
        raise ConnectorRefused("has a query that is none")
    return url


def _is_plain(segment: str) -> bool:
    return segment not in (".", "..") and _SEGMENT.fullmatch(segment) is not None


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}[url.scheme]


def _request(method: str, url: str, seconds: float, status_decides: bool, **parts: Any) -> httpx2.Response:
    try:
        with client(seconds=seconds, status_decides=status_decides) as http:
            return http.request(method, url, **parts)
    except httpx2.TransportError as error:
        raise ConnectorUnreachable(f"cannot be reached: {error}") from None
    except (AddressRefused, AnswerRefused) as error:
        raise ConnectorRefused(str(error)) from None
