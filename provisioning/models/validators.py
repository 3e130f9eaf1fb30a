"""Checks what the catalogue may hold. Whether an order fits it is for :mod:`provisioning.catalogue` to say."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import RegexValidator

from credservice.core.context_templates import MissingSource, check_template, fill_template
from credservice.credentials.models import CredentialPolicy
from credservice.http.outgoing import check_url
from provisioning.protocols import get_protocol
from provisioning.provisioners import get_provisioner

# The strictest form of a protocol (manifold-provider-api.yaml, definitions), which suits a command line too.
LABEL = r"[a-z0-9][a-z0-9_-]{1,128}"
label_form = RegexValidator(rf"\A{LABEL}\Z", "Write 2 to 129 of a-z, 0-9, - and _.")

version_form = RegexValidator(
    r"\A(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\Z", "Write a version such as 2.1.0."
)


def check_value_names(policy: CredentialPolicy, protocol_name: str) -> None:
    """Raise ValidationError where a marketplace that speaks this protocol could not take the policy's value names."""
    protocol = get_protocol(protocol_name)
    for name in policy.value_names():
        if not protocol.value_name.fullmatch(name):
            raise ValidationError(
                {"policy": f"The marketplace takes {protocol.value_name_hint}; this policy makes {name!r}."}
            )


def check_regions(regions: Any, protocol_name: str) -> None:
    """Raise ValidationError where ``regions`` is no list of the protocol's regions; an empty one if it knows none."""
    form, hint = get_protocol(protocol_name).region, get_protocol(protocol_name).region_hint
    if form is None:
        if regions:
            raise ValidationError({"regions": "This marketplace's protocol knows no regions: list none."})
        return
    if not isinstance(regions, list) or not regions:
        raise ValidationError({"regions": 'List at least one region; ["all::global"] where the product has none.'})
    for region in regions:
        if not isinstance(region, str) or not form.fullmatch(region):
            raise ValidationError({"regions": f"{region}: {hint}"})


def check_object(field: str, value: Any) -> None:
    """Raise ValidationError where ``value`` is no JSON object."""
    if not isinstance(value, dict):
        raise ValidationError({field: "Write a JSON object."})


def check_shape(shape: Any, names: tuple[str, ...]) -> None:
    """Raise ValidationError where ``shape`` is no JSON object, or has a place for a value that there is not."""
    check_object("credentials_shape", shape)
    try:
        check_template(shape)
        fill_template(shape, dict.fromkeys(names, ""))
    except MissingSource:
        raise ValidationError(
            {"credentials_shape": f"The policy makes the values {', '.join(names)}: write ${names[0]} for one of them."}
        ) from None
    except ValueError as error:
        raise ValidationError({"credentials_shape": f"It {error}."}) from None


def check_tags(tags: Any) -> None:
    """Raise ValidationError where ``tags`` is no list of short texts."""
    if not isinstance(tags, list) or not all(isinstance(tag, str) and 0 < len(tag) <= 64 for tag in tags):
        raise ValidationError({"tags": 'List short texts, such as ["mysql", "relational"].'})


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
