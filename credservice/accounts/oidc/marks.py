"""Keeps in a session by which provider it began, and tells who may sign in without one."""

import time
from typing import Any, NamedTuple

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest

from credservice.accounts.oidc.config import ProviderConfig, get_provider
from credservice.accounts.passkeys import use_up

CAME_BY = "provider"  # in a session: the provider's alias, and when its owner signed in there
CONFIRMED = "provider_confirmed"  # in a session: a confirmation there that no act has used yet
CONFIRMED_SECONDS = 300
SECOND_FACTOR = "second_factor"  # with an account: whether the last sign-in there told one that counts


class Arrival(NamedTuple):
    """One sign-in through a provider. ``auth_time`` is 0 where it does not say when its owner signed in there."""

    alias: str
    auth_time: int
    second_factor: bool


def arrival(request: HttpRequest) -> Arrival | None:
    """Find how this session came in by a provider; None for one that began with a password or a passkey here."""
    kept = request.session.get(CAME_BY)
    return Arrival(*kept) if kept else None


def provider_of(request: HttpRequest) -> ProviderConfig | None:
    """Find the provider that this session's user can confirm at."""
    came = arrival(request)
    return get_provider(came.alias) if came and came.alias in settings.OIDC_PROVIDERS else None


def signs_in_by(user: Any) -> str:
    """Find the alias of the provider that an account belongs to; ``""`` for a local one."""
    found = SocialAccount.objects.filter(user_id=user.pk).values_list("provider", flat=True).first()
    return found or ""


def shows_factor_there(user: Any) -> bool:
    """Tell whether the last sign-in told a second factor of the provider's, which the settings let count."""
    account = SocialAccount.objects.filter(user_id=user.pk).first()
    entry = settings.OIDC_PROVIDERS.get(account.provider, {}) if account else {}
    return bool(entry.get("second_factor") and account.extra_data.get(SECOND_FACTOR))


def is_local_shut(user: Any) -> bool:
    """Tell whether a local account may not sign in: all but the one for emergencies under OIDC_ONLY."""
    return bool(settings.OIDC_ONLY and user.get_username() != settings.EMERGENCY_ACCOUNT)


def is_session_shut(request: HttpRequest) -> bool:
    """Tell whether a session began in a way that the settings have closed since."""
    came = arrival(request)
    return came.alias not in settings.OIDC_PROVIDERS if came else is_local_shut(request.user)


def keep_confirmation(request: HttpRequest, name: str) -> None:
    """Keep a confirmation at the provider, for one act."""
    request.session[CONFIRMED] = [name, time.time()]


def is_confirmed(request: HttpRequest) -> bool:
    """Tell whether there is one that is recent and unused."""
    _, at = request.session.get(CONFIRMED, ("", 0.0))
    return bool(time.time() - at < CONFIRMED_SECONDS)


def use_confirmation(request: HttpRequest) -> bool:
    """Use it up, also for another request of this session at the same time: whether there was one."""
    was_confirmed = is_confirmed(request)
    name, _ = request.session.pop(CONFIRMED, ("", 0.0))
    return was_confirmed and use_up(str(name))
