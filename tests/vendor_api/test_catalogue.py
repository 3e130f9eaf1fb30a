"""Marketplaces and what they may order, as a script sets them up: by the checks of the set-up file."""

import pytest
from django.utils import timezone

from credservice.credentials.models import CredentialPolicy
from credservice.vendor_api.models import Scope
from provisioning.models import LiveKey, Marketplace, Plan, TrustedKey
from provisioning.osb.models import BrokerPassword
from tests.vendor_api.client import Vendor, refused

MARKET = {"connector_url": "https://connector.example/v1", "client_id": "us", "client_secret": "of-our-client-there"}
PRODUCT = {"name": "Bear", "policy": "keys", "regions": ["all::global"]}
BEAR = "/marketplaces/acme/products/bear"
KEYS = ("PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk", "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690")
PASSWORDS = ("first-password-of-a-platform-0123", "second-password-of-a-platform-45")


@pytest.fixture
def bear(vendor: Vendor, policy: CredentialPolicy) -> Vendor:
    """A vendor who has a marketplace, and a product for it."""
    assert vendor.put("/marketplaces/acme", MARKET).status_code == 201
    assert vendor.put(BEAR, PRODUCT).status_code == 201
    return vendor


def test_it_makes_a_marketplace_and_keeps_its_secret(vendor, trail):
    answer = vendor.put("/marketplaces/acme", MARKET)
    assert (answer.status_code, answer.json()["has_client_secret"]) == (201, True)
    assert MARKET["client_secret"] not in answer.content.decode()
    assert Marketplace.objects.get().open_client_secret() == MARKET["client_secret"]
    assert trail.one(action="marketplace.created").actor == "token:backend"
    assert vendor.get("/marketplaces/acme").json() == answer.json()
    assert vendor.get("/marketplaces").json()["items"] == [answer.json()]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/connector_url"),
        ({"connector_url": "nowhere"}, "/connector_url"),
        (MARKET | {"protocol": "magic"}, "/protocol"),
        ({"protocol": "osb"} | MARKET, "/connector_url"),
        (MARKET | {"sign_on_404": "perhaps"}, "/sign_on_404"),
    ],
)
def test_it_refuses_a_marketplace_that_cannot_be(vendor, body, pointer):
    refused(vendor.put("/marketplaces/acme", body), 400, "invalid_request", pointer)


def test_a_stored_secret_goes_to_no_other_connector(bear):
    moved = {"connector_url": "https://evil.example/v1"}
    refused(bear.put("/marketplaces/acme", moved), 400, "invalid_request", "/client_secret")
    assert bear.put("/marketplaces/acme", moved | {"client_secret": "another-one"}).status_code == 200


def test_without_that_of_trust_a_token_writes_the_rest(bear, client):
    writer = Vendor(client, scopes=[Scope.WRITE_SETUP], name="writer")
    assert writer.put("/marketplaces/acme", {"state": "suspended"}).json()["state"] == "suspended"
    assert writer.put(BEAR, {"name": "Brown bear"}).json()["name"] == "Brown bear"
    assert writer.put(f"{BEAR}/plans/small", {"name": "Small"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (PRODUCT | {"policy": "none"}, "/policy"),
        ({"policy": "keys"}, "/regions"),
        (PRODUCT | {"provisioner": "none"}, "/provisioner"),
        (PRODUCT | {"tags": [1]}, "/tags/0"),
        (PRODUCT | {"credentials_shape": {"a": "$nothing"}}, "/credentials_shape"),
        (PRODUCT | {"dashboard_url": "ftp://evil.example"}, "/dashboard_url"),
    ],
)
def test_it_refuses_a_product_that_cannot_be(bear, body, pointer):
    refused(bear.put("/marketplaces/acme/products/cub", body), 400, "invalid_request", pointer)


def test_it_shows_what_it_takes(bear):
    made = bear.get(BEAR).json()
    fields = {name: made[name] for name in made if name not in ("id", "marketplace", "product")}
    assert bear.put(BEAR, fields).json() == made
    assert bear.get("/marketplaces/acme/products").json()["items"] == [made]


def test_it_makes_plans_and_says_to_which_they_change(bear, trail):
    assert bear.put(f"{BEAR}/plans/small", {"is_free": False}).json()["changes_to"] is None
    large = bear.put(f"{BEAR}/plans/large", {"changes_to": ["small"]})
    assert (large.status_code, large.json()["changes_to"]) == (201, ["small"])
    assert bear.put(f"{BEAR}/plans/large", {"changes_to": None}).json()["changes_to"] is None
    line = trail.one(action="plan.changed")
    assert (line.actor, line.detail["changes"]) == ("token:backend", {"changes_to": {"from": ["small"], "to": None}})
    refused(bear.put(f"{BEAR}/plans/large", {"changes_to": ["none"]}), 400, "invalid_request", "/changes_to/0")
    assert [plan["plan"] for plan in bear.get(f"{BEAR}/plans").json()["items"]] == ["small", "large"]


def test_it_makes_features(bear):
    bear.put(f"{BEAR}/plans/small", {})
    made = bear.put(f"{BEAR}/features/age", {"type": "number", "minimum": 0.5, "maximum": 100, "plans": ["small"]})
    assert (made.status_code, made.json()["minimum"], made.json()["plans"]) == (201, 0.5, ["small"])
    assert bear.put(f"{BEAR}/features/age", {"minimum": None}).json()["minimum"] is None
    refused(bear.put(f"{BEAR}/features/hat", {"type": "string"}), 400, "invalid_request", "/values")
    refused(bear.put(f"{BEAR}/features/hat", {"name": "Hat"}), 400, "invalid_request", "/type")
    assert bear.get(f"{BEAR}/features").json()["items"] == [bear.get(f"{BEAR}/features/age").json()]


@pytest.mark.parametrize(
    "path", ["/marketplaces/none/products/bear", "/marketplaces/acme/products/none/plans/p1", f"{BEAR}/plans/Upper"]
)
def test_what_is_around_it_is_not_made_on_the_way(bear, path):
    answer = bear.put(path, {})
    assert answer.status_code in (404, 400)
    assert (Marketplace.objects.count(), Plan.objects.count()) == (1, 0)


def test_a_master_key_is_trusted_replaced_and_disabled(bear, trail):
    path = "/marketplaces/acme/trusted-keys/production"
    made = bear.put(path, {"public_key": KEYS[0]})
    assert (made.status_code, made.json()["is_enabled"]) == (201, True)
    LiveKey.objects.create(trusted_key=TrustedKey.objects.get(), public_key=KEYS[1], endorsement="e" * 86)
    assert bear.put(path, {"ends_at": "2030-01-31T00:00:00Z"}).status_code == 200
    body = refused(bear.put(path, {"public_key": KEYS[1]}), 409, "answers_would_change")
    assert "A request was last accepted by it just now, at " in body["detail"]
    assert LiveKey.objects.exists()
    changed = bear.put(f"{path}?accept_changed_answers=true", {"public_key": KEYS[1]})
    assert changed.json()["public_key"] == KEYS[1]
    assert not LiveKey.objects.exists()
    assert bear.put(path, {"is_enabled": False, "ends_at": None}).json()["ends_at"] is None
    lines = trail.all(action="trusted_key.changed")
    assert [line.actor for line in lines] == ["token:backend"] * 3
    assert lines[1].detail["accepted_changed_answers"] == {"keys_of_accepted_requests": 1}


def test_a_master_key_in_use_is_disabled_where_it_is_accepted(bear):
    path = "/marketplaces/acme/trusted-keys/production"
    bear.put(path, {"public_key": KEYS[0]})
    LiveKey.objects.create(trusted_key=TrustedKey.objects.get(), public_key=KEYS[1], endorsement="e" * 86)
    refused(bear.put(path, {"is_enabled": False}), 409, "answers_would_change")
    assert bear.put(f"{path}?accept_changed_answers=true", {"is_enabled": False}).json()["is_enabled"] is False
    assert bear.put(path, {"is_enabled": True}).json()["is_enabled"] is True


@pytest.mark.parametrize("key", ["file:/etc/passwd", "c2hvcnQ", "***"])
def test_a_key_that_is_none_is_refused_and_read_from_no_file(bear, key):
    body = refused(bear.put("/marketplaces/acme/trusted-keys/k", {"public_key": key}), 400, "invalid_request")
    assert body["errors"][0]["pointer"] == "/public_key"
    assert "file" not in body["detail"]


def test_a_broker_has_passwords_and_no_master_keys(vendor):
    vendor.put("/marketplaces/broker", {"protocol": "osb"})
    refused(vendor.put("/marketplaces/broker/trusted-keys/k", {"public_key": KEYS[0]}), 400, "invalid_request")
    path = "/marketplaces/broker/passwords"
    answers = [vendor.post(path, {"password": text}) for text in (*PASSWORDS, PASSWORDS[1])]
    assert [answer.status_code for answer in answers] == [201, 201, 200]
    assert not any(text in answer.content.decode() for answer in answers for text in PASSWORDS)
    refused(vendor.post(path, {"password": PASSWORDS[0]}), 409, "conflict")
    refused(vendor.post(path, {"password": "short"}), 400, "invalid_request")
    first = vendor.get(path).json()["items"][1]
    assert vendor.post(f"{path}/{first['id']}/end").json()["ends_at"] < first["ends_at"]
    assert vendor.get(f"{path}/{first['id']}").json()["hint"] == first["hint"]
    assert BrokerPassword.objects.live().count() == 1


def test_a_password_in_use_ends_at_once_where_it_is_accepted(vendor):
    vendor.put("/marketplaces/broker", {"protocol": "osb"})
    path, accept = "/marketplaces/broker/passwords", "?accept_changed_answers=true"
    texts = [f"a-password-of-the-platform-{number}-0123456789" for number in range(4)]
    first = vendor.post(path, {"password": texts[0]}).json()
    BrokerPassword.objects.update(last_used_at=timezone.now())
    for call in (f"{path}/{first['id']}/end", path):
        body = refused(
            vendor.post(call, {"password": texts[1], "overlap_seconds": 0} if call == path else None),
            409,
            "answers_would_change",
        )
        assert body["detail"].startswith(f"The password {first['hint']} last let the platform in just now, at ")
    assert vendor.post(path, {"password": texts[1]}).status_code == 201  # with an overlap
    refused(vendor.post(path, {"password": texts[2]}), 409, "answers_would_change")  # which a third one would end
    assert BrokerPassword.objects.live().count() == 2
    assert vendor.post(f"{path}{accept}", {"password": texts[2]}).status_code == 201
    assert vendor.post(path, {"password": texts[3], "overlap_seconds": 0}).status_code == 201  # none of these is used
    BrokerPassword.objects.update(last_used_at=timezone.now())
    newest = BrokerPassword.objects.live().get()
    assert vendor.post(f"{path}/{newest.pk}/end{accept}").status_code == 200
    assert vendor.post(f"{path}/{newest.pk}/end").status_code == 200  # again


def test_a_marketplace_that_signs_has_no_passwords(bear):
    refused(bear.post("/marketplaces/acme/passwords", {"password": PASSWORDS[0]}), 400, "invalid_request")
