"""Checks how operators sign in before the service starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, register
from django.core.exceptions import ImproperlyConfigured

from credservice.accounts.oidc.config import SUPERUSER, get_provider
from credservice.console.roles import ROLES


@register(Tags.security)
def check_oidc(**_: Any) -> list[CheckMessage]:
    """Require of each of OIDC_PROVIDERS what a sign-in needs, and roles that there are."""
    if not isinstance(settings.OIDC_PROVIDERS, dict):
        return [_unsound('OIDC_PROVIDERS must be {"alias": {"name": "...", "issuer": "...", ...}}.')]
    found = [_unsound(fault) for alias in settings.OIDC_PROVIDERS if (fault := _fault_of(alias))]
    if settings.OIDC_ONLY and not settings.OIDC_PROVIDERS:
        found.append(_unsound("OIDC_ONLY is on, and OIDC_PROVIDERS names no provider: nobody could sign in."))
    if settings.OIDC_ONLY and not settings.EMERGENCY_ACCOUNT:
        sentence = "OIDC_ONLY is on, and EMERGENCY_ACCOUNT is not set: nobody could sign in while the provider is down."
        found.append(_unsound(sentence))
    return found


def _fault_of(alias: str) -> str:
    try:
        config = get_provider(alias)
    except ImproperlyConfigured as error:
        return str(error)
    known = [*(role.name for role in ROLES), SUPERUSER]
    unknown = sorted({role for roles in config.roles.values() for role in roles} - set(known))
    return f"OIDC_PROVIDERS[{alias!r}]: there is no role {unknown[0]!r}, only {', '.join(known)}." if unknown else ""


def _unsound(sentence: str) -> CheckMessage:
    return Critical(sentence, hint="See docs/sign-in.md.", id="credservice.E021")
