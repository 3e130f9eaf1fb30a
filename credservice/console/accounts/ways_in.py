"""Says how somebody signs in: by a provider, or with a password or passkeys here, and with which second factor."""

from collections import Counter

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User

from credservice.accounts.oidc.marks import is_local_shut, shows_factor_there, signs_in_by

Type = Authenticator.Type


def ways_in(user: User) -> tuple[str, str]:
    """Name the way in, and the second factor."""
    alias = signs_in_by(user)
    found = Counter(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))
    theirs = ["the provider's"] if shows_factor_there(user) else []
    factors = ", ".join([*theirs, *_factors(found)]) or "none yet"
    if alias:
        name = settings.OIDC_PROVIDERS.get(alias, {}).get("name", alias)
        lost = "" if alias in settings.OIDC_PROVIDERS else ", which the settings name no more"
        return f"OpenID Connect: {name}{lost}", factors
    ways = [*(["password"] if user.has_usable_password() else []), *(["passkey"] if found[Type.WEBAUTHN] else [])]
    shut = " (shut: all but the emergency account sign in by a provider)" if is_local_shut(user) else ""
    return (" or ".join(ways) or "nothing yet") + shut, factors


def _factors(found: Counter[str]) -> list[str]:
    passkeys = found[Type.WEBAUTHN]
    return [
        *(["authenticator app"] if found[Type.TOTP] else []),
        *([f"{passkeys} passkey{'' if passkeys == 1 else 's'}"] if passkeys else []),
        *(["recovery codes"] if found[Type.RECOVERY_CODES] else []),
    ]
