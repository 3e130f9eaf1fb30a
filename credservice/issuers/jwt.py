"""Makes ``jwt`` credentials: short-lived tokens, signed with the keys that ``/.well-known/jwks.json`` publishes.

Audience and claims are templates over the context (:mod:`credservice.core.context_templates`). See docs/issuers/jwt.md.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from credservice.core.context_templates import MissingSource, fill_template
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest
from credservice.issuers.options import (
    Choice,
    JSONObject,
    Lines,
    Number,
    Option,
    OptionsError,
    Seconds,
    Text,
    check_sources,
    is_text,
    that,
    value_name,
    with_defaults,
)
from credservice.keys.signing_keys import current_signing_key

ALGORITHMS = ("EdDSA", "ES256", "RS256")
OURS = ("iss", "aud", "exp", "nbf", "iat", "jti")
MIN_LIFETIME = timedelta(minutes=1)
# A token cannot be revoked: its lifetime is how long a stolen one works. The keys' overlap relies on this bound.
MAX_LIFETIME = timedelta(hours=24)
MAX_TOKEN_BYTES = 8 * 1024  # what servers take in a header
BACKDATED = timedelta(seconds=30)  # nbf, for clocks that are behind


def _check_audience(audience: Any) -> None:
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or not all(is_text(one) for one in audiences):
        raise ValueError("must say who may accept the token: a text, or a list of texts")
    check_sources(audience)


def _check_claims(claims: Any) -> None:
    if not isinstance(claims, dict) or not all(is_text(name) for name in claims):
        raise ValueError('must be a JSON object, such as {"sub": "$end_user"}')
    taken = sorted(set(claims) & set(OURS))
    if taken:
        raise ValueError(f"must leave {taken[0]} out: the issuer sets it")
    check_sources(claims)


LIFETIME = Option(
    "lifetime",
    Seconds(60, 24 * 3600),
    "How long a token works, where the policy itself has no lifetime: from a minute to 24 hours, since a token cannot "
    "be revoked.",
    default=3600,
)
OPTIONS = (
    Option(
        "audience",
        Lines(_check_audience, or_one=True),
        "Who may accept the token, one a line. Let your product insist on it.",
        required=True,
    ),
    Option(
        "claims",
        JSONObject(_check_claims),
        'A template, such as {"sub": "$end_user"}. A text that begins with $ is looked up for each credential: an end '
        "user's has $end_user, $external_id, $integration and $installation. $$ is a dollar sign.",
        default={},
    ),
    Option(
        "algorithm", Choice(ALGORITHMS), "ES256 and RS256 are for verifiers that know nothing newer.", default="EdDSA"
    ),
    Option(
        "issuer",
        Text(that(is_text, "must be a text, such as the address of this service")),
        "The claim iss. Empty: the address of this service.",
    ),
    LIFETIME,
    Option(
        "refresh_share",
        Number(0.1, 0.9, whole=False),
        "The token is handed out again until this share of its lifetime has passed; then the next hand-out makes a new "
        "one.",
        default=0.5,
    ),
    value_name("TOKEN"),
)


class JWTIssuer(Issuer):
    about = "Short-lived tokens, signed here. Your product verifies them by our public keys."
    local = True
    can_revoke = False
    expires_itself = True

    def policy_options(self) -> tuple[Option, ...]:
        return OPTIONS

    def check_lifetime(self, options: Mapping[str, Any], lifetime: timedelta | None) -> None:
        if lifetime is None:
            LIFETIME.check(options.get("lifetime", LIFETIME.default))
        elif not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise OptionsError("A token's lifetime must be from a minute to 24 hours: it cannot be revoked")

    def own_lifetime(self, options: Mapping[str, Any]) -> timedelta:
        return timedelta(seconds=with_defaults(OPTIONS, options)["lifetime"])

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (with_defaults(OPTIONS, options)["name"],)

    def issue(self, request: IssueRequest) -> Issued:
        given = with_defaults(OPTIONS, request.options)
        lifetime = self._lifetime(request)
        now = timezone.now().replace(microsecond=0)
        claims = _claims(request, now, now + lifetime)
        key = current_signing_key(given["algorithm"], actor="issuer:jwt")
        token = key.sign_token(claims)
        if len(token) > MAX_TOKEN_BYTES:
            raise IssueFailed(f"the token would have {len(token)} bytes, more than {MAX_TOKEN_BYTES}")
        return Issued(
            values={given["name"]: token},
            expires_at=now + lifetime,
            refresh_at=now + lifetime * given["refresh_share"],
            hint=f"…{token[-6:]}",
            handle={"kid": key.kid},
        )

    def revoke(self, credential_id: str, options: Mapping[str, Any], handle: Mapping[str, Any]) -> None:
        """It verifies until it expires; nothing outside knows of it."""

    def _lifetime(self, request: IssueRequest) -> timedelta:
        try:
            self.check_lifetime(request.options, request.lifetime)
        except OptionsError as error:
            raise IssueFailed(str(error)) from None
        return request.lifetime or self.own_lifetime(request.options)


def _claims(request: IssueRequest, now: datetime, expires_at: datetime) -> dict[str, Any]:
    options = request.options
    try:
        claims = fill_template(options.get("claims", {}), request.context)
        audience = fill_template(options["audience"], request.context)
    except MissingSource as error:
        raise IssueFailed(f"claims cannot be filled: {error}") from None
    audiences = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str) for one in [*audiences, claims.get("sub", "")]):
        raise IssueFailed("audience and the claim sub must be texts (RFC 7519, 4.1)")
    times = {"iat": now, "nbf": now - BACKDATED, "exp": expires_at}
    return {
        **claims,
        "iss": options.get("issuer", settings.PUBLIC_URL),
        "aud": audience,
        "jti": request.credential_id,
        **{name: int(moment.timestamp()) for name, moment in times.items()},
    }
