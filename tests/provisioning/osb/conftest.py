"""A platform with a service of two plans, and the client that plays it."""

import base64
import itertools
import json
from urllib.parse import quote

import pytest

from credservice.credentials.models import CredentialPolicy
from provisioning.models import Feature, Marketplace, Plan, Product
from provisioning.osb.passwords import make_password
from tests.conftest import DoorClient

VERSION = {"X-Broker-API-Version": "2.17"}
_numbers = itertools.count()


def new_id(kind="id"):
    return f"{kind}-{next(_numbers)}"


def basic(user, password):
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


class Platform:
    """Calls the broker with its password and the version, unless a test sends other headers."""

    def __init__(self, client, marketplace, password):
        self.client, self.root = client, f"/osb/{marketplace}/v2"
        self.headers = VERSION | basic(marketplace, password)

    def __call__(self, method, path, body=None, *, headers=None, raw=None, content_type="application/json"):
        sent = self.headers if headers is None else headers
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        options = {"content_type": content_type} if data else {}
        return self.client.generic(method, self.root + path, data, headers=sent, **options)

    def get(self, path, **options):
        return self("GET", path, **options)

    def put(self, path, body=None, **options):
        return self("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self("DELETE", path, **options)


@pytest.fixture
def platform_row(db):
    return Marketplace.objects.create(name="cf", protocol_name="osb")


@pytest.fixture
def password(platform_row):
    return make_password(marketplace=platform_row, actor="test")[1]


@pytest.fixture
def platform(client, platform_row, password):
    return Platform(client, platform_row.name, password)


@pytest.fixture
def new_platform(platform_row, password):
    """Further clients, for threads."""
    return lambda: Platform(DoorClient(raise_request_exception=False), platform_row.name, password)


@pytest.fixture
def policy(db):
    return CredentialPolicy.objects.create(name="queue-keys", issuer="api_key", options={"name": "password"})


@pytest.fixture
def queue(platform_row, policy):
    """A service with the plans small and large, and the parameters size and color."""
    product = Product.objects.create(marketplace=platform_row, label="queue", name="Queue", policy=policy)
    Plan.objects.create(product=product, label="small", metadata={"bullets": ["one"]})
    Plan.objects.create(product=product, label="large", is_free=False, maintenance_version="2.1.0")
    Feature.objects.create(product=product, label="size", type="number", minimum=1, maximum=10)
    Feature.objects.create(product=product, label="color", type="string", values=["red", "blue"])
    Feature.objects.create(product=product, label="messages", type="number", is_metered=True)
    return product


@pytest.fixture
def small(queue):
    return queue.plans.get(label="small")


@pytest.fixture
def large(queue):
    return queue.plans.get(label="large")


def offer(plan, **more):
    return {
        "service_id": str(plan.product_id),
        "plan_id": str(plan.pk),
        "organization_guid": "o",
        "space_guid": "s",
    } | more


def named(plan):
    """The query of a DELETE."""
    return f"?service_id={plan.product_id}&plan_id={plan.pk}"


def at(instance_id, binding_id=None):
    path = f"/service_instances/{quote(instance_id, safe='')}"
    return path if binding_id is None else f"{path}/service_bindings/{quote(binding_id, safe='')}"


@pytest.fixture
def instance(platform, small):
    """An instance on the plan small."""
    instance_id = new_id("instance")
    assert platform.put(at(instance_id), offer(small)).status_code == 201
    return instance_id


@pytest.fixture
def binding(platform, instance, small):
    binding_id = new_id("binding")
    assert platform.put(at(instance, binding_id), offer(small)).status_code == 201
    return binding_id
