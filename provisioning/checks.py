"""What an operator should know of the trusted keys before serving."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from provisioning.models import TrustedKey
from provisioning.provisioners import get_provisioner


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
            hint="End it in the console, or with: .venv/bin/python manage.py trust_key ... --test --ends DATE",
            id="provisioning.W001",
        )
        for key in endless
    ]


@register(Tags.security)
def check_provisioners(**_: Any) -> list[CheckMessage]:
    """Each of PROVISIONERS has an address that may be called, and secrets to sign with."""
    if not isinstance(settings.PROVISIONERS, dict):
        return [_unsound('PROVISIONERS must be {"alias": {"url": "...", "secrets": ["env:NAME"]}}.')]
    found = []
    for alias in settings.PROVISIONERS:
        try:
            get_provisioner(alias).current_secrets()
        except (ImproperlyConfigured, ValueError) as error:
            found.append(_unsound(str(error)))
    return found


def _unsound(sentence: str) -> CheckMessage:
    return Critical(sentence, hint="See docs/protocols/manifold.md, Slow work.", id="provisioning.E001")
