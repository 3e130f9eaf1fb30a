"""Checks the form of the marketplace's requests (manifold-provider-api.yaml, definitions).

Fields that the document does not name are ignored: its own published example has one (protocol notes, row 7).
"""

import re
from collections.abc import Mapping
from typing import Any

from credservice.core.exceptions import Invalid
from provisioning.manifold import ids
from provisioning.models import LABEL
from provisioning.orders import PlanOrder, ResourceOrder
from provisioning.wording import quoted

REGION = re.compile(r"[a-z0-9][a-z0-9_-]{1,63}::[a-z0-9][a-z0-9_-]{1,63}")
REGION_HINT = "Write PLATFORM::LOCATION, such as aws::us-east-1."


def checked_id(text: str, kind: str) -> str:
    """Return ``text`` where it is an id of the marketplace's. Raises Invalid."""
    if not ids.is_id(text):
        raise Invalid(f"The id of a {kind} is {ids.FORM}.")
    return text


def resource_order(body: Mapping[str, Any], resource_id: str) -> ResourceOrder:
    """Read the body of PUT /v1/resources/:id. Raises Invalid."""
    _check_same_id(body, resource_id)
    region = _text(body, "region")
    if not REGION.fullmatch(region):
        raise Invalid("Write the region as PLATFORM::LOCATION, such as aws::us-east-1.")
    return ResourceOrder(_label(body, "product"), _label(body, "plan"), region, _features(body))


def plan_order(body: Mapping[str, Any]) -> PlanOrder:
    """Read the body of PATCH /v1/resources/:id. Raises Invalid."""
    return PlanOrder(_label(body, "plan"), _features(body))


def credential_order(body: Mapping[str, Any], credential_id: str) -> str:
    """Read the body of PUT /v1/credentials/:id: the id of the resource that it is for. Raises Invalid."""
    _check_same_id(body, credential_id)
    return checked_id(_text(body, "resource_id"), "resource")


def _check_same_id(body: Mapping[str, Any], path_id: str) -> None:
    # "They are the same, the `id` is provided in the body for completeness" (FAQ).
    if _text(body, "id") != path_id:
        raise Invalid("The id in the body differs from the one in the path. Send the same id in both.")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f'The body needs "{name}", a text.')
    return value


def _label(body: Mapping[str, Any], name: str) -> str:
    label = _text(body, name)
    if not re.fullmatch(LABEL, label):
        raise Invalid(f"{quoted(label)} cannot be a {name}: its name has 2 to 129 of a-z, 0-9, - and _.")
    return label


def _features(body: Mapping[str, Any]) -> dict[str, Any] | None:
    features = body.get("features")
    if features is not None and not isinstance(features, dict):
        raise Invalid('Write "features" as a JSON object, such as {"size": "40 GB"}.')
    return features
