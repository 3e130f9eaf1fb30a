"""Grants authorization codes and access tokens (Connector API, `POST /oauth/tokens`)."""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from provisioning.checker.connector.answers import Answer, Call, OAuthRefusal

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(hours=24)
# 13 characters (definition `Code`).
CODE_CHARACTERS = 13
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True)
class Client:
    """The provider's OAuth credentials. The defaults are the test pair that the documents publish."""

    id: str = "21jtaatqj8y5t0kctb2ejr6jev5w8"
    secret: str = field(default="3yTKSiJ6f5V5Bq-kWF0hmdrEUep3m3HKPTcPX7CdBZw", repr=False)


@dataclass(frozen=True)
class Grant:
    """Allows a token's holder one resource (a user), or everything (the provider: `resource_id` None)."""

    resource_id: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Exchange:
    """One token request: what was asked, and what came of it."""

    grant_type: str
    code: str
    content_type: str
    status: int
    token: str = field(default="", repr=False)


class Tokens:
    """Grants codes and tokens to one client; `exchanges` are the token requests so far."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.exchanges: list[Exchange] = []
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def code(self, resource_id: str, *, age: timedelta = timedelta(0)) -> str:
        """Grant a code for the test user and this resource, as if it were granted `age` ago."""
        code = secrets.token_hex(CODE_CHARACTERS)[:CODE_CHARACTERS]
        self._codes[code] = Grant(resource_id, datetime.now(UTC) - age + CODE_LIFE)
        return code

    def grant(self, token: str) -> Grant | None:
        """Find the grant of a token; None where it is unknown, revoked or expired."""
        grant = self._tokens.get(token)
        return grant if grant is not None and grant.expires_at > datetime.now(UTC) else None

    def revoke(self, token: str) -> None:
        self._tokens.pop(token, None)

    def answer(self, call: Call) -> Answer:
        """Answer `POST /oauth/tokens`."""
        fields: dict[str, Any] = {}
        try:
            fields = _fields(call)
            _check_client(self.client, call, fields)
            answer = self._granted(fields)
        except OAuthRefusal as refusal:
            answer = refusal.answer
        token = answer.content.get("access_token", "")
        asked = (str(fields.get("grant_type", "")), str(fields.get("code", "")), call.header("content-type"))
        self.exchanges.append(Exchange(*asked, answer.status, token))
        return answer

    def _granted(self, fields: dict[str, Any]) -> Answer:
        if fields.get("grant_type") == "client_credentials":
            return self._issued(None)
        if fields.get("grant_type") != "authorization_code":
            raise OAuthRefusal(400, "unsupported_grant_type", "grant_type must be one of the documented two")
        # Taken out whatever follows: a code cannot be used more than once.
        code = self._codes.pop(str(fields.get("code", "")), None)
        if code is None or code.expires_at <= datetime.now(UTC):
            raise OAuthRefusal(400, "invalid_grant", "Provided authorization_code is invalid or does not exist.")
        return self._issued(code.resource_id)

    def _issued(self, resource_id: str | None) -> Answer:
        token = secrets.token_urlsafe(32)
        self._tokens[token] = Grant(resource_id, datetime.now(UTC) + TOKEN_LIFE)
        seconds = int(TOKEN_LIFE.total_seconds())
        return Answer(201, {"access_token": token, "token_type": "bearer", "expires_in": seconds})


def _fields(call: Call) -> dict[str, Any]:
    kind = call.header("content-type").partition(";")[0].strip().lower()
    try:
        if kind == FORM:
            return {name: values[0] for name, values in parse_qs(call.body.decode(), strict_parsing=True).items()}
        content = json.loads(call.body) if kind == JSON else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise OAuthRefusal(400, "invalid_request", "the body must be a JSON object or a form, and be declared as such")
    return content


def _check_client(client: Client, call: Call, fields: dict[str, Any]) -> None:
    """Check the client's credentials, in the header or in the body (RFC 6749, section 2.3.1)."""
    given = _basic(call.header("authorization")) or (str(fields.get("client_id")), str(fields.get("client_secret")))
    known = zip(given, (client.id, client.secret), strict=True)
    if not all(compare_digest(a.encode("utf-8", "surrogatepass"), b.encode()) for a, b in known):
        raise OAuthRefusal(401, "invalid_client", "Provided client_id and client_secret do not match")


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthRefusal(400, "invalid_request", "the Authorization header is no basic authentication") from None
    return unquote_plus(name), unquote_plus(password)
