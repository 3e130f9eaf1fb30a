"""Plays MindCloud: the request of an exchange, signed as the platform would sign it, and sent over HTTP."""

import json
import shlex
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from credservice.http.outgoing import tls_context
from exchange.models import Platform
from exchange.serializers import ExchangeIds
from exchange.signatures.simulated import MARK_HEADER, mark_of
from exchange.signatures.verify import SIGNATURE_HEADER, SignedRequest, as_environ, sign

TIMEOUT_SECONDS = 30.0


class NoAnswer(Exception):
    """The server could not be asked; the message says why."""


@dataclass(frozen=True)
class Simulation:
    """One request: where to, what it carries, and what the platform signed."""

    url: str
    body: str
    headers: dict[str, str] = field(repr=False)
    signed_path: str = ""  # as the service sees it, without the platform's public prefix

    @property
    def public_url(self) -> str:
        """Return what the addresses of the called service begin with."""
        return self.url.removesuffix(self.signed_path)

    def curl(self) -> str:
        """Write the same request as a shell command (reference, "Example request from MindCloud to your endpoint")."""
        options = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers.items()]
        lines = [f"curl -X POST {shlex.quote(self.url)}", *options, f"-d {shlex.quote(self.body)}"]
        return " \\\n     ".join(lines)

    def signed_request(self) -> SignedRequest:
        return SignedRequest("POST", self.signed_path, "", as_environ(self.headers))

    def send(self) -> httpx2.Response:
        """Return the server's answer. Raises :class:`NoAnswer`."""
        try:
            tls = tls_context(settings.OUTGOING_CA)
            with httpx2.Client(verify=tls, timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
                return client.post(self.url, content=self.body.encode(), headers=self.headers)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error


def simulate(
    *,
    platform: Platform,
    ids: ExchangeIds,
    base_url: str,
    secret: bytes | None,
    timestamp: str = "",
    signature: str = "",
) -> Simulation:
    """Build the request of ``ids`` to the service at ``base_url``; unsigned where there is no secret.

    ``timestamp`` and ``signature`` replace what would be sent: to try an old time, or a signature that was seen.
    Raises ValueError for a URL that cannot be called.
    """
    url = f"{_checked(base_url)}/credential-exchange/{platform.name}"
    path = urlsplit(url).path.removeprefix(platform.public_prefix)
    fields = {"integrationId": ids.integration, "installationId": ids.installation, "endUserId": ids.end_user}
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        moment = timestamp or str(int(time.time()))
        headers |= sign(method="POST", path=path, timestamp=moment, profile=platform.profile, secret=secret)
    if signature:
        headers[SIGNATURE_HEADER] = signature
    if sent := headers.get(SIGNATURE_HEADER):
        headers[MARK_HEADER] = mark_of(sent)  # a service that has our keys does not take it for the platform's own call
    return Simulation(url, json.dumps(fields), headers, path)


def server_clock_difference(answer: httpx2.Response) -> float | None:
    """Tell how many seconds the server's clock is ahead of ours; ``None`` where it sends no Date."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    except (KeyError, ValueError):
        return None


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{base_url!r} is no address to call. Write one such as http://localhost:8000")
    return base_url.rstrip("/")
