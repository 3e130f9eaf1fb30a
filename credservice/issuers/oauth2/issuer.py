"""Issues and revokes access tokens as a client of the vendor's authorization server.

OPTIONS: ``token_url``; ``client_id``; ``client_secret``, a reference; ``authentication``, basic or post; ``grant``,
client_credentials (RFC 6749, 4.4) or token_exchange (RFC 8693); ``revocation_url`` (RFC 7009); ``seconds`` for a call.
Policy options: :mod:`credservice.issuers.oauth2.options`.
"""

import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from credservice.core.context_templates import MissingSource, fill_template
from credservice.core.secret_references import UnreadableReference, resolve_reference
from credservice.crypto import Place, SealError, seal, unseal
from credservice.http.outgoing import check_url
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, IssuerUnavailable
from credservice.issuers.oauth2.options import (
    COMMON,
    EXCHANGE,
    GRANTS,
    JWT_TYPE,
    OF_EXCHANGE,
    check_policy,
    declare,
    requested,
)
from credservice.issuers.oauth2.server import AUTHENTICATION, Client
from credservice.issuers.oauth2.token import read_token
from credservice.issuers.options import Option, OptionsError, with_defaults
from credservice.keys.signing_keys import current_signing_key

DEFAULT_SECONDS, MAX_SECONDS = 10.0, 30.0
SUBJECT_LIFETIME = timedelta(minutes=5)


class OAuth2Issuer(Issuer):
    about = "Access tokens of your authorization server, which is asked for one for each customer."
    expires_itself = True

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        authentication: str = "basic",
        grant: str = "client_credentials",
        revocation_url: str | None = None,
        seconds: float = DEFAULT_SECONDS,
    ) -> None:
        self._token_url = _url("token_url", token_url)
        self._revocation_url = None if revocation_url is None else _url("revocation_url", revocation_url)
        self.can_revoke = revocation_url is not None
        if not isinstance(client_id, str) or not client_id:
            raise OptionsError("client_id must be a text")
        if authentication not in AUTHENTICATION:
            raise OptionsError(f"authentication must be one of {', '.join(AUTHENTICATION)}")
        if not isinstance(grant, str) or grant not in GRANTS:
            raise OptionsError(f"grant must be one of {', '.join(GRANTS)}")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= MAX_SECONDS:
            raise OptionsError(f"seconds must be a number from 1 to {MAX_SECONDS:.0f}")
        self._client_id, self._reference, self._authentication = client_id, client_secret, authentication
        self._grant, self._seconds = GRANTS[grant], seconds
        try:
            resolve_reference(client_secret)
        except UnreadableReference as error:
            raise OptionsError(f"client_secret: {error}") from None

    def policy_options(self) -> tuple[Option, ...]:
        return declare(self._grant)

    def check_options(self, options: Mapping[str, Any]) -> None:
        check_policy(options, self._grant)

    def own_lifetime(self, options: Mapping[str, Any]) -> str:
        return "set by its server"

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (with_defaults(COMMON, options)["name"],)

    def issue(self, request: IssueRequest) -> Issued:
        """A new token at each call: authorization servers know no repeats. One that got lost expires by itself."""
        asked_at = timezone.now()
        answer = self._client().post(self._token_url, self._form(request))
        token = read_token(answer, asked_at)
        return Issued(
            values={self.value_names(request.options)[0]: token.value},
            expires_at=token.expires_at,
            refresh_at=_refresh_at(asked_at, token.expires_at, request),
            hint=f"…{token.value[-4:]}" if len(token.value) > 20 else "",
            handle=self._handle(request.credential_id, token.value),
        )

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """RFC 7009. What was never handed to us, or is unknown to the server, is as good as revoked (2.2)."""
        if self._revocation_url is None or "sealed" not in handle:
            return
        try:
            token = unseal(b64decode(handle["sealed"]), _place(credential_id)).decode()
            form = [("token", token), ("token_type_hint", "access_token")]
            self._client().post(self._revocation_url, form)
        except (IssueFailed, SealError) as error:
            raise IssuerUnavailable(str(error), retry_after=60) from None

    def _form(self, request: IssueRequest) -> list[tuple[str, str]]:
        try:
            form = [("grant_type", self._grant), *requested(request.options, request.context)]
            return form + (self._subject(request) if self._grant == EXCHANGE else [])
        except MissingSource as error:
            raise IssueFailed(f"the request cannot be filled: {error}") from None

    def _subject(self, request: IssueRequest) -> list[tuple[str, str]]:
        options = request.options
        if "subject_token" in options:
            token, kind = str(fill_template(options["subject_token"], request.context)), options["subject_token_type"]
        else:
            token, kind = self._signed(request), JWT_TYPE
        return [("subject_token", token), ("subject_token_type", kind)]

    def _signed(self, request: IssueRequest) -> str:
        """A short-lived JWT that says for whom we ask, signed with our own key (docs/issuers/jwt.md)."""
        now = int(timezone.now().timestamp())
        claims = {
            "iss": settings.PUBLIC_URL,
            "sub": str(fill_template(request.options["subject"], request.context)),
            "aud": fill_template(request.options.get("subject_audience", self._token_url), request.context),
            "iat": now,
            "exp": now + int(SUBJECT_LIFETIME.total_seconds()),
            "jti": str(uuid.uuid4()),
        }
        algorithm = with_defaults(OF_EXCHANGE, request.options)["subject_algorithm"]
        return current_signing_key(algorithm, actor="issuer:oauth2").sign_token(claims)

    def _client(self) -> Client:
        try:
            secret = resolve_reference(self._reference)
        except UnreadableReference as error:
            raise IssuerUnavailable(str(error), retry_after=60) from None
        return Client(self._client_id, secret, self._authentication, self._seconds)

    def _handle(self, credential_id: str, token: str) -> dict[str, str]:
        """To revoke a token, it must be shown: it is kept sealed, for this credential alone."""
        if self._revocation_url is None:
            return {}
        return {"sealed": b64encode(seal(token.encode(), _place(credential_id))).decode()}


def _place(credential_id: str) -> Place:
    return Place("credentials.credential", credential_id, "handle")


def _refresh_at(asked_at: datetime, expires_at: datetime | None, request: IssueRequest) -> datetime | None:
    """The margin before its end, and not before half of its life."""
    ends = [end for end in (expires_at, asked_at + request.lifetime if request.lifetime else None) if end is not None]
    if not ends:
        return None
    life = min(ends) - asked_at
    margin = timedelta(seconds=with_defaults(COMMON, request.options)["margin"])
    return asked_at + max(life - margin, life / 2)


def _url(name: str, url: Any) -> str:
    try:
        return check_url(url)
    except ValueError as error:
        raise OptionsError(f"{name} {error}") from None
