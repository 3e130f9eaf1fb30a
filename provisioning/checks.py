"""What an operator should know of the trusted keys before serving."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error

from provisioning.models import TrustedKey


@register(Tags.database)
def check_test_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """In production, a trusted test key should have an end: others may hold its private half."""
    if not databases or not settings.PRODUCTION:
        return []
    try:
        endless = list(TrustedKey.objects.live().filter(is_test=True, ends_at=None).select_related("marketplace"))
    except Error:
        return []  # no tables yet: credservice.W001 says so
    return [
        Warning(
            f"The test key {key} is trusted without an end, in production.",
            hint="End it in the console, or with: manage.py trust_key ... --test --ends DATE",
            id="provisioning.W001",
        )
        for key in endless
    ]
