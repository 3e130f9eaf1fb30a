# mypy: disable-error-code="misc,no-any-return"
"""The vendor's authorization server: authlib's, over HTTPS on loopback. Knows one client."""

import json
import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc6749.grants import BaseGrant, ClientCredentialsGrant, TokenEndpointMixin
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from credservice.keys.signing_keys import current_signing_key, published_jwks
from tests.support.http_server import Answer, Received, http_server, make_certificate

CLIENT_ID, CLIENT_SECRET = "credservice:us", "s3cret/of+the client%"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class Client(ClientMixin):
    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in (scope or "").split() if word != "forbidden")

    def check_client_secret(self, secret: str) -> bool:
        return secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("client_credentials", EXCHANGE)


class Payload(OAuth2Payload):
    def __init__(self, received: Received) -> None:
        fields = parse_qs(received.body.decode(), strict_parsing=True)
        self._lists: defaultdict[str, list[str]] = defaultdict(list, fields)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class Request(OAuth2Request):
    def __init__(self, received: Received) -> None:
        super().__init__(received.method, f"https://vendor.test{received.path}", headers=_titled(received.headers))
        self.payload = Payload(received)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


class TokenExchange(BaseGrant, TokenEndpointMixin):
    """RFC 8693: the subject token must be a JWT of credservice, for this server."""

    GRANT_TYPE = EXCHANGE
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def validate_token_request(self) -> None:
        self.request.client = self.authenticate_token_endpoint_client()
        form = self.request.form
        if form.get("subject_token_type") == "urn:vendor:user-id":
            self.request.user = form["subject_token"]
            return
        try:
            token = jwt.decode(form.get("subject_token", ""), self.server.jwks, algorithms=["EdDSA", "ES256"])
            registry = jwt.JWTClaimsRegistry(
                aud={"essential": True, "value": self.server.audience}, exp={"essential": True}
            )
            registry.validate(token.claims)
        except JoseError as error:
            raise InvalidGrantError("The subject token is not good.") from error
        self.request.user = token.claims["sub"]

    def create_token_response(self) -> Any:
        token = self.generate_token(
            user=self.request.user, scope=self.request.payload.scope, include_refresh_token=False
        )
        token["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token"
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER


class Revocation(RevocationEndpoint):
    def query_token(self, token_string: str, token_type_hint: str | None) -> Any:
        return self.server.issued.get(token_string)

    def revoke_token(self, token: Any, request: Any) -> None:
        token.revoked = True


@dataclass
class Token:
    form: dict[str, list[str]]
    user: Any
    auth_method: str
    revoked: bool = False

    def check_client(self, client: Any) -> bool:
        return True


@dataclass
class Vendor(AuthorizationServer):
    jwks: KeySet
    issued: dict[str, Token] = field(default_factory=dict)
    audience: str = "https://vendor.test/token"
    expires_in: int = 600
    url: str = ""
    received: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        AuthorizationServer.__init__(self)
        generator = BearerTokenGenerator(
            lambda **_: secrets.token_urlsafe(32), expires_generator=lambda *_: self.expires_in
        )
        self.register_token_generator("default", generator)
        self.register_grant(ClientCredentials)
        self.register_grant(TokenExchange)
        self.register_endpoint(Revocation)

    def query_client(self, client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        self.issued[token["access_token"]] = Token(dict(request.payload.datalist), request.user, request.auth_method)

    def create_oauth2_request(self, request: Any) -> Request:
        return Request(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        return Answer(status, json.dumps(body).encode(), dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def answer(self, received: Received) -> Answer:
        if received.path == "/revoke":
            return self.create_endpoint_response("revocation", received)
        return self.create_token_response(received)


@contextmanager
def authorization_server(folder: Path, settings: Any) -> Iterator[Vendor]:
    """Serve one, with a certificate that our client trusts, which knows our public keys."""
    # Its threads do not see the test's transaction: the keys are handed to it.
    for algorithm in ("EdDSA", "ES256"):
        current_signing_key(algorithm, actor="test")
    published: Any = published_jwks()
    context, settings.OUTGOING_CA = make_certificate(folder, "127.0.0.1")
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    vendor = Vendor(KeySet.import_key_set(published))
    with http_server(vendor.answer, context) as server:
        vendor.url, vendor.received = server.url, server.received
        yield vendor


def _titled(headers: dict[str, str]) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}
