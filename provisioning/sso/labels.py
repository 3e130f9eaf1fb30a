"""Puts a resource's order and state in a user's words."""

from typing import Any

from provisioning.catalogue import features_of
from provisioning.models import Feature, Resource

State = Resource.State
STATES: dict[str, str] = {
    State.PROVISIONING: "Being prepared",
    State.ACTIVE: "Active",
    State.SUSPENDED: "Suspended",
    State.DEPROVISIONING: "Being removed",
}
NOTICES: dict[str, str] = {
    State.PROVISIONING: "This resource is still being prepared. Its credentials come once it is ready.",
    State.SUSPENDED: "This resource is suspended: its credentials do not work now. Ask the provider's support.",
    State.DEPROVISIONING: "This resource is being removed, and its credentials with it.",
}


def chosen_features(resource: Resource) -> list[tuple[str, str]]:
    """List what was chosen with the plan: name and value of each feature, by name."""
    known = {feature.label: feature for feature in features_of(resource.plan)}
    return sorted(
        (feature_name(known.get(label), label), in_words(value)) for label, value in resource.features.items()
    )


def feature_name(feature: Feature | None, label: str) -> str:
    """Call a feature by its name, or by its label as words."""
    name = feature.name if feature is not None else ""
    return name or label.replace("_", " ").replace("-", " ").capitalize()


def in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def region_name(region: str) -> str:
    """Write ``aws::us-east-1`` as "us-east-1 (aws)"; a product without regions is everywhere."""
    platform, _, location = region.partition("::")
    return "Global" if (platform, location) == ("all", "global") else f"{location} ({platform})"
