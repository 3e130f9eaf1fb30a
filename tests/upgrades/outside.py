"""Everybody whom the service calls, on one server: the vendor, its authorization server, MindCloud, a marketplace.

Each of them knows what the database must still hold for it: a secret, a token, a signature. What is wrong is answered
with 401, so that whatever depends on it does not come about.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.http_server import Answer, Received, Server, http_server

VENDOR_SECRET = "whsec_" + base64.b64encode(b"test key of the vendor's endpoint").decode()
USER = {"id": "ada", "name": "Ada Example", "email": "ada@example.com"}
BROWSER_TOKEN = "browser-token-of-mindcloud"


@dataclass
class Outside:
    """``down`` are beginnings of paths that are answered with 503. ``known`` has the secrets, by name."""

    known: dict[str, str]
    down: set[str] = field(default_factory=set)
    server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return str(self.server.url)

    def environment(self) -> dict[str, str]:
        """The service's settings that lead here."""
        hooks = {"secrets": ["env:VENDOR_SECRET"]}
        webhook, oauth2 = "credservice.issuers.webhook.WebhookIssuer", "credservice.issuers.oauth2.OAuth2Issuer"
        issuers: dict[str, Any] = {
            "vendor": {"BACKEND": webhook, "OPTIONS": hooks | {"url": f"{self.url}/issuer", "acts": ["revoke"]}},
            "away": {"BACKEND": webhook, "OPTIONS": hooks | {"url": f"{self.url}/away"}},
            "authorization": {
                "BACKEND": oauth2,
                "OPTIONS": {
                    "token_url": f"{self.url}/token",
                    "revocation_url": f"{self.url}/revoke",
                    "client_id": "credservice",
                    "client_secret": "env:VENDOR_SECRET",
                },
            },
        }
        provisioners = {"vendor": hooks | {"url": f"{self.url}/provisioner"}}
        return {
            "CREDENTIAL_ISSUERS": json.dumps(issuers),
            "PROVISIONERS": json.dumps(provisioners),
            "VENDOR_SECRET": VENDOR_SECRET,
        }

    def got(self, path: str) -> list[Received]:
        """The requests to this path and below that were let in."""
        assert self.server is not None
        return [request for request in self.server.received if request.path.startswith(path) and self._lets_in(request)]

    def answer(self, request: Received) -> Answer:
        if any(request.path.startswith(path) for path in self.down):
            return Answer(503)
        if not self._lets_in(request):
            return Answer(401)
        status, body = self._content(request)
        return Answer(status, b"" if body is None else json.dumps(body).encode())

    def _lets_in(self, request: Received) -> bool:
        given = request.headers.get("authorization")
        if request.path.startswith(("/issuer", "/provisioner", "/away")):
            return _is_signed(request, VENDOR_SECRET)
        if request.path == "/events":
            return _is_signed(request, self.known["events"])
        if request.path.startswith("/v1/users"):
            return bool(given == f"Bearer {self.known['mindcloud_api_key']}")
        if request.path == "/v1/oauth/tokens":
            pair = f"{self.known['client_id']}:{self.known['client_secret']}"
            return bool(given == f"Basic {base64.b64encode(pair.encode()).decode()}")
        if request.path.startswith(("/v1/resources/", "/v1/self")):
            return bool(given == f"Bearer {self.known['marketplace_user_token']}")
        if request.path.startswith("/v1/"):
            return bool(given == "Bearer marketplace-token")
        return True

    def _content(self, request: Received) -> tuple[int, Any]:
        if request.path == "/issuer":
            message = json.loads(request.body)
            return 200, {"values": dict.fromkeys(message.get("names", []), f"made-for-{message['id']}")}
        if request.path == "/token":
            number = len(self.got("/token"))
            return 200, {"access_token": f"token-of-the-authorization-server-{number}", "token_type": "Bearer"}
        if request.path == "/v1/oauth/tokens":
            kind = "marketplace_user_token" if b"authorization_code" in request.body else ""
            token = self.known[kind] if kind else "marketplace-token"
            return 200, {"access_token": token, "token_type": "bearer", "expires_in": 3600}
        return self._read(request)

    def _read(self, request: Received) -> tuple[int, Any]:
        if request.path.startswith("/v1/callbacks/"):
            return 204, None
        if request.path == "/v1/self":
            return 200, {"type": "user", "target": USER}
        if request.path.endswith("/users"):
            return 200, [USER | {"role": "owner"}]
        if request.path.startswith("/v1/resources/"):
            return 200, {"id": request.path.rpartition("/")[2]}
        if request.path.startswith("/v1/users/"):
            return 200, {"token": BROWSER_TOKEN}
        return 200, {}


def _is_signed(request: Received, secret: str) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


@contextmanager
def outside_world(known: dict[str, str], *down: str) -> Iterator[Outside]:
    """Serve all of them on one port of the loopback."""
    outside = Outside(known, set(down))
    with http_server(outside.answer) as outside.server:
        yield outside
