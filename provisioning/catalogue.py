"""The catalogue's rules: what a product may be. Whether an order fits it is ``selection``'s to say."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError

from credservice.credentials.models import CredentialPolicy
from credservice.http.outgoing import check_url
from provisioning.models import VALUE_NAME, region_form
from provisioning.provisioners import get_provisioner


def check_value_names(policy: CredentialPolicy) -> None:
    """Raise ValidationError where the policy's value names are no environment variable names.

    manifold-provider-api.yaml, CredentialResponse: ``^[A-Z][A-Z0-9_]{0,127}$`` (protocol notes, row 5).
    """
    for name in policy.value_names():
        if not re.fullmatch(VALUE_NAME, name):
            raise ValidationError(
                {"policy": f"The marketplace takes upper-case names such as API_KEY; this policy makes {name!r}."}
            )


def check_regions(regions: Any) -> None:
    """Raise ValidationError where ``regions`` is no list of region slugs."""
    if not isinstance(regions, list) or not regions:
        raise ValidationError({"regions": 'List at least one region; ["all::global"] where the product has none.'})
    for region in regions:
        try:
            region_form(region)
        except ValidationError as error:
            raise ValidationError({"regions": f"{region}: {error.messages[0]}"}) from None


def check_provisioner(alias: str) -> None:
    """Raise ValidationError where settings name no provisioner that works by this alias. Empty: none is needed."""
    try:
        if alias:
            get_provisioner(alias)
    except ImproperlyConfigured as error:
        raise ValidationError({"provisioner": str(error)}) from None


def check_dashboard_url(url: str) -> None:
    """Raise ValidationError where a user, and the token that lets them in, should not be sent there."""
    if not url:
        return
    try:
        check_url(url)
    except ValueError as error:
        raise ValidationError({"dashboard_url": f"The address {error}."}) from None
