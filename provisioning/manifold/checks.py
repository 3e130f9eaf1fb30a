"""Checks what an operator should know of the trusted keys before serving."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, Warning, register
from django.db import Error

from credservice.core.checkout import COMMAND
from provisioning.models import Marketplace, TrustedKey


@register(Tags.database)
def check_test_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn of a trusted test key without an end, in production: others may hold its private half."""
    if not databases or not settings.PRODUCTION:
        return []
    try:
        endless = list(TrustedKey.objects.live().filter(is_test=True, ends_at=None).select_related("marketplace"))
    except Error:
        return []  # no tables yet: credservice.W001 says so
    return [
        Warning(
            f"The test key {key} is trusted without an end, in production.",
            hint=f"End it in the console, or with: {COMMAND} trust_key ... --test --ends DATE",
            id="provisioning.W001",
        )
        for key in endless
    ]


@register(Tags.database)
def check_sign_on(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse in production a marketplace that lets users in whose resource its connector does not find."""
    if not databases or not settings.PRODUCTION:
        return []
    try:
        names = list(Marketplace.objects.filter(sign_on_404=Marketplace.SignOn404.ALLOW).values_list("name", flat=True))
    except Error:
        return []  # no tables, or not this column yet: credservice.W001 says so
    return [
        Critical(
            f"The marketplace {name} has sign_on_404: allow, which is for checkers, in production.",
            hint=f"Run: {COMMAND} apply FILE, with marketplaces: {{{name}: {{sign_on_404: refuse}}}}",
            id="provisioning.E002",
        )
        for name in names
    ]
