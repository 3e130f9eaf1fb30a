"""A marketplace with the catalogue of its documents, and the client that plays it."""

import secrets

import pytest

from credservice.audit.refusals import Sampler
from credservice.credentials.models import CredentialPolicy
from provisioning.models import Feature, Marketplace, Plan, Product, TrustedKey
from tests.conftest import DoorClient
from tests.provisioning import signer
from tests.provisioning.usage import Vendor, meter

ALPHABET = "0123456789abcdefghjkmnpqrtuvwxyz"


def new_id():
    return "".join(secrets.choice(ALPHABET) for _ in range(29))


@pytest.fixture(autouse=True)
def every_refusal_recorded(monkeypatch):
    """The trail takes so many refusals a minute; what other tests were refused must not count here."""
    monkeypatch.setattr("credservice.audit.refusals._sampler", Sampler())


@pytest.fixture
def master():
    return signer.Key()


@pytest.fixture
def marketplace(db, master):
    """The marketplace's row, with its master key trusted."""
    row = Marketplace.objects.create(name="manifold", connector_url="https://connector.example/v1")
    TrustedKey.objects.create(marketplace=row, label="master", public_key=master.public)
    return row


@pytest.fixture
def policy(db):
    return CredentialPolicy.objects.create(name="bear-keys", issuer="api_key", options={"name": "BEAR_TOKEN"})


@pytest.fixture
def bear(marketplace, policy):
    """The product of the document's example: plans ursa-minor and ursa-major, features age, hat_color and ready."""
    product = Product.objects.create(marketplace=marketplace, label="bear", policy=policy, regions=["all::global"])
    for label in ("ursa-minor", "ursa-major"):
        Plan.objects.create(product=product, label=label)
    Feature.objects.create(product=product, label="ready", type="boolean")
    Feature.objects.create(product=product, label="hat_color", type="string", values=["red", "blue"])
    Feature.objects.create(product=product, label="age", type="number", minimum=1, maximum=40)
    return product


@pytest.fixture
def door(client, marketplace, master):
    """The marketplace, signing."""
    return signer.Marketplace(client, master)


@pytest.fixture
def new_door(marketplace, master):
    """Further signing clients with the same live key, for threads."""
    live = signer.Key()
    return lambda: signer.Marketplace(DoorClient(raise_request_exception=False), master, live)


def order(resource_id, **changes):
    return {"id": resource_id, "product": "bear", "plan": "ursa-minor", "region": "all::global"} | changes


@pytest.fixture
def resource_id(door, bear):
    """A provisioned resource."""
    partner_id = new_id()
    assert door.put(f"/v1/resources/{partner_id}", order(partner_id)).status_code == 201
    return partner_id


@pytest.fixture
def other_id(door, bear):
    """A second resource."""
    partner_id = new_id()
    assert door.put(f"/v1/resources/{partner_id}", order(partner_id)).status_code == 201
    return partner_id


@pytest.fixture
def honey(bear):
    """A metered feature of the product."""
    return meter(bear)


@pytest.fixture
def vendor(client, db):
    """The vendor's backend, reporting usage."""
    return Vendor(client)


@pytest.fixture
def credential_id(door, resource_id):
    """A provisioned credential of that resource."""
    partner_id = new_id()
    assert put_credential(door, partner_id, resource_id).status_code == 201
    return partner_id


def put_credential(door, credential_id, resource_id):
    return door.put(f"/v1/credentials/{credential_id}", {"id": credential_id, "resource_id": resource_id})
