"""Describes what the marketplace orders from the provider."""

from dataclasses import dataclass
from typing import Any, Literal

Features = dict[str, Any]
CredentialSupport = Literal["multiple", "single"]


@dataclass(frozen=True)
class Order:
    """The product and plans that the cases provision; `None` features are not sent."""

    product: str
    plan: str
    region: str
    features: Features | None = None
    new_plan: str | None = None
    new_features: Features | None = None
    credentials: CredentialSupport = "multiple"

    def resource(self, resource_id: str) -> dict[str, Any]:
        """Make the body of PUT /resources/:id (definition `ResourceRequest`)."""
        body = {"id": resource_id, "product": self.product, "plan": self.plan, "region": self.region}
        return body if self.features is None else {**body, "features": self.features}

    def upgrade(self) -> dict[str, Any]:
        """Make the body of PATCH /resources/:id to the new plan (definition `ResourcePlanChangeRequest`)."""
        body: dict[str, Any] = {"plan": self.new_plan}
        return body if self.new_features is None else {**body, "features": self.new_features}

    def unchanged(self) -> dict[str, Any]:
        """Make the body of PATCH /resources/:id to the plan that the resource was provisioned on."""
        return {name: value for name, value in self.resource("").items() if name in ("plan", "features")}

    def upgraded_resource(self, resource_id: str) -> dict[str, Any]:
        """Make the body of PUT /resources/:id that orders the new plan from the start."""
        kept = {name: value for name, value in self.resource(resource_id).items() if name != "features"}
        return {**kept, **self.upgrade()}


# The order of the marketplace's own documents ("Here is how you would run Grafton").
DOCUMENTED = Order(
    product="bear",
    plan="ursa-minor",
    region="all::global",
    features={"age": 2, "hat_color": "red", "ready": True},
    new_plan="ursa-major",
)
