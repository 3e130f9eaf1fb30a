"""Finds what keeps the emergency account from signing in, and from helping, on the day that it is needed."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from credservice.accounts.oidc.marks import signs_in_by
from credservice.console import roles

WHAT_IT_IS = "This is the emergency account (EMERGENCY_ACCOUNT): it alone signs in while the provider is down."


def is_emergency(user: Any) -> bool:
    """Tell whether this is the one local account that OIDC_ONLY leaves open."""
    return bool(settings.OIDC_ONLY and user.get_username() == settings.EMERGENCY_ACCOUNT)


def emergency_account() -> User | None:
    return User.objects.filter(username=settings.EMERGENCY_ACCOUNT).first()


def emergency_fault() -> str:
    """Say what is wrong with the emergency account; empty where nothing is, or where the settings need none."""
    if not (settings.OIDC_ONLY and settings.EMERGENCY_ACCOUNT):
        return ""
    user = emergency_account()
    why = fault_of(user) if user else "there is none of this name"
    return f"The emergency account {settings.EMERGENCY_ACCOUNT} is of no use: {why}" if why else ""


def fault_of(user: User) -> str:
    """Say what keeps this account from signing in and administering."""
    if signs_in_by(user):
        return "it belongs to a provider, and signs in by that alone"
    if not (user.is_active and user.is_staff):
        return "it may not sign in"
    if not roles.administrators().filter(pk=user.pk).exists():
        return "it may not administer"
    return "" if user.has_usable_password() else "it has no password"
