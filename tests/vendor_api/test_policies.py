"""Policies, as a script sets them up: by the checks of the set-up file."""

import pytest
from django.core.management import CommandError, call_command

from credservice.credentials.models import CredentialPolicy
from credservice.vendor_api.models import Scope
from tests.support.console import World
from tests.vendor_api.client import Vendor, refused

KEYS = {
    "issuer": "api_key",
    "options": {"name": "apiKey", "prefix": "acme"},
    "lifetime_seconds": 90 * 86400,
    "overlap_seconds": 5400,
}


def test_it_makes_a_policy_and_shows_what_it_takes(vendor, trail):
    answer = vendor.put("/policies/keys", KEYS)
    assert (answer.status_code, answer.json() | KEYS) == (201, answer.json())
    fields = {name: answer.json()[name] for name in (*KEYS, "rotation_seconds", "stale_seconds", "multiple", "probe")}
    assert vendor.put("/policies/keys", fields).json() == answer.json()
    assert trail.one(action="credential_policy.created").actor == "token:backend"
    assert not trail.all(action="credential_policy.changed")


@pytest.mark.parametrize(("lifetime", "overlap"), [(86400, 43200), (600, 300), (90000, 86400), (None, 86400)])
def test_an_overlap_that_is_left_out_fits_the_lifetime(vendor, lifetime, overlap):
    body = {name: value for name, value in KEYS.items() if name != "overlap_seconds"} | {"lifetime_seconds": lifetime}
    assert vendor.put("/policies/keys", body).json()["overlap_seconds"] == overlap
    vendor.put("/policies/keys", {"overlap_seconds": 60})
    assert vendor.put("/policies/keys", body).json()["overlap_seconds"] == 60  # it is no new one any more


def test_a_span_is_taken_away_by_null(vendor, trail):
    vendor.put("/policies/keys", KEYS)
    assert vendor.put("/policies/keys", {"lifetime_seconds": None}).json()["lifetime_seconds"] is None
    changes = trail.one(action="credential_policy.changed").detail["changes"]
    assert changes == {"lifetime": {"from": "90d", "to": None}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/issuer"),
        ({"issuer": "magic"}, "/issuer"),
        ({"issuer": "static"}, "/options"),
        (KEYS | {"options": {"unknown": 1}}, "/options"),
        (KEYS | {"lifetime_seconds": -1}, "/lifetime_seconds"),
        (KEYS | {"lifetime_seconds": "90d"}, "/lifetime_seconds"),
        (KEYS | {"rotation_seconds": 0}, "/rotation_seconds"),
        (KEYS | {"probe": {"type": "magic"}}, "/probe"),
    ],
)
def test_it_refuses_what_the_set_up_file_does(vendor, body, pointer):
    refused(vendor.put("/policies/keys", body), 400, "invalid_request", pointer)
    assert not CredentialPolicy.objects.exists()


def test_a_span_has_a_bound(vendor):
    body = refused(vendor.put("/policies/keys", KEYS | {"lifetime_seconds": 10**10}), 400, "invalid_request")
    assert "Send 100 years at most: 3153600000 seconds." in str(body)


def test_options_that_are_nested_too_deep_are_refused(vendor):
    options = {}
    for _ in range(40):
        options = {"a": options}
    refused(vendor.put("/policies/keys", KEYS | {"options": options}), 400, "invalid_request")
    refused(vendor.put("/policies/keys", KEYS | {"options": {"n": 10**400}}), 400, "invalid_request")


def test_the_issuer_of_credentials_ends_them(vendor, credential):
    body = {"issuer": "static", "options": {"names": ["API_KEY"]}}
    refused(vendor.put("/policies/keys", body), 400, "invalid_request", "/issuer")


def test_a_policy_goes_on_suiting_what_uses_it(vendor, door):
    body = refused(vendor.put("/policies/entered", {"options": {"names": ["other"]}}), 400, "invalid_request")
    assert "int_abc123" in body["detail"]


def test_without_that_of_trust_a_token_writes_the_rest(vendor, client):
    vendor.put("/policies/keys", KEYS)
    writer = Vendor(client, scopes=[Scope.WRITE_SETUP], name="writer")
    assert writer.put("/policies/keys", {"multiple": True}).json()["multiple"] is True


@pytest.fixture
def bear(db):
    """Product bear, of which a resource has one live credential by the policy ``keys``."""
    return World()


RENAMED = {"options": {"name": "BEAR_TOKEN"}}
LEFT = "1 resource has 1 live credential made by it"
CHANGED = "have BEAR_TOKEN in place of API_KEY. Their users' apps read the values by these names."


def test_renamed_values_of_live_resources_are_to_be_accepted(vendor, bear, trail):
    detail = refused(vendor.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail == f"{LEFT}, of product bear. Their next credentials, and rotations of these, would {CHANGED}"
    assert CredentialPolicy.objects.get(name="keys").value_names() == ("API_KEY",)
    assert vendor.put("/policies/keys?accept_changed_answers=true", RENAMED).status_code == 200
    detail = trail.one(action="credential_policy.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


def test_a_token_that_reads_no_installations_is_told_of_no_product(vendor, bear):
    narrow = Vendor(vendor.client, scopes=[Scope.WRITE_SETUP, Scope.WRITE_TRUST], name="narrow")
    detail = refused(narrow.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail.startswith(f"{LEFT}. Their next")


def test_what_changes_no_name_is_not_asked_about(vendor, bear):
    assert vendor.put("/policies/keys", {"options": {"prefix": "acme"}, "lifetime_seconds": None}).status_code == 200


def test_more_resources_than_are_counted_are_told_as_such(vendor, bear, monkeypatch):
    for module in ("credservice.credentials.policy_impact", "provisioning.credential_hooks"):
        monkeypatch.setattr(f"{module}.MAX_COUNTED", 1)
    detail = refused(vendor.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail.startswith("1+ resources have 1+ live credentials made by it, of product bear.")


def test_a_set_up_file_renames_them_only_where_that_is_accepted(bear, tmp_path, trail):
    file = tmp_path / "set-up.yaml"
    file.write_text("policies:\n  keys: {options: {name: BEAR_TOKEN}}\n")
    with pytest.raises(CommandError, match=f"policies.keys: {LEFT}, of product bear"):
        call_command("apply", str(file))
    assert CredentialPolicy.objects.get(name="keys").value_names() == ("API_KEY",)
    call_command("apply", str(file), "--accept-changed-answers")
    detail = trail.one(action="credential_policy.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


PRODUCT = "/marketplaces/manifold/products/bear"


def test_another_policy_of_a_product_is_asked_about_as_well(vendor, bear, trail):
    CredentialPolicy.objects.create(name="tokens", issuer="api_key", options={"name": "BEAR_TOKEN"})
    detail = refused(vendor.put(PRODUCT, {"policy": "tokens"}), 409, "answers_would_change")["detail"]
    assert detail == f"1 resource has 1 live credential, of product bear. Their next credentials would {CHANGED}"
    assert vendor.put(f"{PRODUCT}?accept_changed_answers=true", {"policy": "tokens"}).status_code == 200
    detail = trail.one(action="product.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


def test_another_policy_that_makes_the_same_names_is_not(vendor, bear):
    CredentialPolicy.objects.create(name="others", issuer="api_key", options={"prefix": "acme"})
    assert vendor.put(PRODUCT, {"policy": "others"}).status_code == 200
