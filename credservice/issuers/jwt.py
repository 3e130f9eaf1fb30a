"""Makes ``jwt`` credentials: short-lived tokens, signed with the keys that ``/.well-known/jwks.json`` publishes.

Policy options: ``audience``; ``claims``, a template over the context (:mod:`credservice.core.context_templates`), with
``sub``; ``algorithm``, ``issuer``, ``name`` of the value; ``lifetime`` in seconds, where the policy has none;
``refresh_share`` of the lifetime, after which the next hand-out makes a new one. See docs/issuers/jwt.md.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from credservice.core.context_templates import MissingSource, check_template, fill_template
from credservice.issuers.base import Issued, IssueFailed, Issuer, IssueRequest, OptionsError, check_name, only
from credservice.keys.signing_keys import current_signing_key

ALGORITHMS = ("EdDSA", "ES256", "RS256")
DEFAULTS: dict[str, Any] = {"algorithm": "EdDSA", "name": "TOKEN", "refresh_share": 0.5, "claims": {}}
OPTIONS = {*DEFAULTS, "audience", "issuer", "lifetime"}
OURS = ("iss", "aud", "exp", "nbf", "iat", "jti")
MIN_LIFETIME = timedelta(minutes=1)
# A token cannot be revoked: its lifetime is how long a stolen one works. The keys' overlap relies on this bound.
MAX_LIFETIME = timedelta(hours=24)
MAX_TOKEN_BYTES = 8 * 1024  # what servers take in a header
BACKDATED = timedelta(seconds=30)  # nbf, for clocks that are behind


class JWTIssuer(Issuer):
    local = True
    can_revoke = False
    expires_itself = True

    def check_options(self, options: Mapping[str, Any]) -> None:
        only(options, OPTIONS)
        given = DEFAULTS | dict(options)
        if given["algorithm"] not in ALGORITHMS:
            raise OptionsError(f"algorithm must be one of {', '.join(ALGORITHMS)}")
        check_name(given["name"])
        _check_audience(options.get("audience"))
        if "issuer" in options and (not isinstance(options["issuer"], str) or not options["issuer"]):
            raise OptionsError("issuer must be a text, such as the address of this service")
        share = given["refresh_share"]
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0.1 <= share <= 0.9:
            raise OptionsError("refresh_share must be a number from 0.1 to 0.9")
        _check_claims(given["claims"])
        if "lifetime" in options:
            self.check_lifetime(options, None)

    def check_lifetime(self, options: Mapping[str, Any], lifetime: timedelta | None) -> None:
        if lifetime is None:
            seconds = options.get("lifetime")
            if isinstance(seconds, bool) or not isinstance(seconds, int):
                raise OptionsError("give the policy a lifetime, or the option lifetime in seconds")
            lifetime = timedelta(seconds=min(max(seconds, 0), 10**9))
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise OptionsError("a token's lifetime must be between a minute and 24 hours: it cannot be revoked")

    def value_names(self, options: Mapping[str, Any]) -> tuple[str, ...]:
        return (options.get("name", DEFAULTS["name"]),)

    def issue(self, request: IssueRequest) -> Issued:
        given = DEFAULTS | dict(request.options)
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
        return request.lifetime or timedelta(seconds=request.options["lifetime"])


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


def _check_audience(audience: Any) -> None:
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or not all(isinstance(one, str) and one for one in audiences):
        raise OptionsError("audience must say who may accept the token: a text, or a list of texts")
    _check_template("audience", audience)


def _check_claims(claims: Any) -> None:
    if not isinstance(claims, dict) or not all(isinstance(name, str) and name for name in claims):
        raise OptionsError('claims must be a JSON object, such as {"sub": "$end_user"}')
    taken = sorted(set(claims) & set(OURS))
    if taken:
        raise OptionsError(f"the claim {taken[0]} is set by the issuer")
    _check_template("claims", claims)


def _check_template(name: str, template: Any) -> None:
    try:
        check_template(template)
    except ValueError as error:
        raise OptionsError(f"{name} {error}") from None
