"""Checks how operators sign in, and are told of things, before the service starts."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email
from django.db import DatabaseError

from credservice.accounts.oidc.config import SUPERUSER, get_provider
from credservice.checks import EMERGENCY
from credservice.console.accounts.emergency import emergency_fault
from credservice.console.roles import ROLES
from credservice.core.checkout import COMMAND


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


@register(Tags.database)
def check_emergency_account(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn where nobody could sign in while the provider is down. Not refused: a first start has no account yet."""
    try:
        fault = emergency_fault() if databases else ""
    except DatabaseError:  # that it has no tables, or does not answer, is told by other checks
        return []
    hint = f"Mend it under Access, Users, or make it: {COMMAND} createsuperuser --username {settings.EMERGENCY_ACCOUNT}"
    return [Warning(f"{fault}.", hint=hint, id=EMERGENCY)] if fault else []


@register(Tags.security, deploy=True)
def check_emergency_account_of_deployment(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of the same at ``check --deploy``, which leaves the database's checks out unless it is named."""
    return [] if databases else check_emergency_account(databases=["default"])


@register(Tags.security)
def check_notices(**_: Any) -> list[CheckMessage]:
    """Require of mails what sending one needs, and that no password goes out in the clear."""
    found = []
    if settings.NOTICE_EMAILS:
        lacking = [name for name, value in _mail_settings().items() if not value]
        if lacking:
            verb = "is" if len(lacking) == 1 else "are"
            found.append(f"NOTICE_EMAILS is set, and {' and '.join(lacking)} {verb} missing.")
        found += [
            f"NOTICE_EMAILS: {one!r} is no e-mail address." for one in settings.NOTICE_EMAILS if not _is_address(one)
        ]
    if settings.EMAIL_USE_TLS and settings.EMAIL_USE_SSL:
        found.append("EMAIL_USE_TLS and EMAIL_USE_SSL are both on. Take one of them out.")
    if settings.EMAIL_HOST_PASSWORD and not (settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL):
        found.append("EMAIL_HOST_PASSWORD would go out in the clear: EMAIL_USE_TLS or EMAIL_USE_SSL must be on.")
    return [Critical(fault, hint="See docs/operating.md, Notices.", id="credservice.E022") for fault in found]


def _mail_settings() -> dict[str, str]:
    return {"EMAIL_HOST": settings.EMAIL_HOST, "EMAIL_FROM": settings.DEFAULT_FROM_EMAIL}


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


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
