"""Checks the set-up of provisioning before the service starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Critical, Tags, register
from django.core.exceptions import ImproperlyConfigured

from provisioning.provisioners import get_provisioner


@register(Tags.security)
def check_provisioners(**_: Any) -> list[CheckMessage]:
    """Require of each of PROVISIONERS an address that may be called, and secrets to sign with."""
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
