"""Holds what tests of usage share: reports, and the vendor who sends them."""

from credservice.vendor_api.tokens import create_token
from provisioning.models import Feature


def report(key="k1", **changes):
    return {"key": key, "feature": "honey", "quantity": 3, "at": "2026-05-10T12:00:00Z"} | changes


def meter(product, label="honey", *plans):
    """A metered feature of the product, of all its plans unless some are named."""
    feature = Feature.objects.create(product=product, label=label, type="number", is_metered=True)
    feature.plans.set(plans)
    return feature


class Vendor:
    """The vendor's backend, with a service token."""

    def __init__(self, client, scopes=("usage:write",), name="billing"):
        self.client = client
        self.token = create_token(name=name, scopes=list(scopes), actor="test")[1]

    def report(self, resource, **changes):
        """One report, by the resource's own route."""
        return self.post(f"/api/v1/resources/{resource}/usage", report(**changes))

    def batch(self, *reports):
        return self.post("/api/v1/usage", {"reports": list(reports)})

    def post(self, path, body):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {self.token}"}
        return self.client.post(path, body, "application/json", **headers)


def measured(door, resource_id, start="2026-05-01T00:00:00Z", end="2026-06-01T00:00:00Z"):
    """The sums of a period, as the marketplace is told."""
    query = f"period_start={start}&period_end={end}".replace("+", "%2B")
    response = door.get(f"/v1/resources/{resource_id}/measures?{query}")
    assert response.status_code == 200, response.content
    return response.json()["measures"]
