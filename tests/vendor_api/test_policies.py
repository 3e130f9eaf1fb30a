"""Policies, as a script sets them up: by the checks of the set-up file."""

import pytest

from credservice.credentials.models import CredentialPolicy
from credservice.vendor_api.models import Scope
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
