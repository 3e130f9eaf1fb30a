"""Platforms, integrations and installations by the vendor API."""

import pytest

from exchange.models import Installation
from tests.support.exchange_factories import SECRET
from tests.vendor_api.client import refused

PATH = "/installations/install_xyz789"


def set_state(state):
    Installation.objects.update(state=state)


def test_a_waiting_one_is_approved_and_handed_its_credential(vendor, door, trail):
    door.grant()
    set_state("pending")
    assert [item["installation_id"] for item in vendor.get("/installations?state=pending").json()["items"]] == [
        "install_xyz789"
    ]
    assert vendor.post(f"{PATH}/approve").json()["state"] == "active"
    assert door.post().status_code == 200
    assert trail.one(action="installation.approved").actor == "token:backend"


def test_an_approval_may_be_repeated(vendor, door, trail):
    for _ in range(2):
        assert vendor.post(f"{PATH}/approve").status_code == 200
    assert trail.all(action="installation.approved") == []


def test_one_that_was_refused_is_let_in_by_an_approval_alone(vendor, door, trail):
    door.grant()
    set_state("pending")
    for _ in range(2):
        assert vendor.post(f"{PATH}/refuse", {"why": "no customer of ours"}).json()["state"] == "refused"
    assert trail.one(action="installation.refused").detail["why"] == "no customer of ours"
    assert (door.post().status_code, door.post().json()["code"]) == (403, "installation_refused")
    assert vendor.get("/installations?state=refused").json()["items"][0]["state"] == "refused"
    for act in ("suspend", "resume"):
        refused(vendor.post(f"{PATH}/{act}"), 409, "conflict")
    assert door.post().status_code == 403
    assert vendor.post(f"{PATH}/approve").json()["state"] == "active"
    assert door.post().status_code == 200


STATES = [
    *(("suspended", "approve"), ("suspended", "refuse"), ("active", "refuse")),
    *(("pending", "resume"), ("pending", "suspend")),
]


@pytest.mark.parametrize(("state", "act"), STATES)
def test_what_its_state_does_not_allow_is_refused(vendor, door, state, act):
    set_state(state)
    refused(vendor.post(f"{PATH}/{act}"), 409, "conflict")
    assert Installation.objects.get().state == state


def test_a_suspended_one_is_refused_until_it_is_resumed(vendor, door):
    door.grant()
    assert vendor.post(f"{PATH}/suspend", {"why": "abuse"}).json()["state"] == "suspended"
    assert door.post().status_code == 403
    assert vendor.post(f"{PATH}/resume").json()["state"] == "active"
    assert door.post().status_code == 200


def test_it_is_found_by_our_id_as_well(vendor, door):
    assert vendor.get(f"/installations/{door.installation.pk}").json() == vendor.get(PATH).json()


@pytest.mark.parametrize("path", ["/installations/nothing", "/integrations/nothing", "/platforms/nothing"])
def test_an_unknown_one_is_not_found(vendor, door, path):
    refused(vendor.get(path), 404, "not_found")


def test_the_set_up_is_read_without_its_secrets(vendor, door):
    answers = [vendor.get(path) for path in ("/platforms", "/platforms/mindcloud", "/integrations/int_abc123")]
    assert all(answer.status_code == 200 and SECRET.encode() not in answer.content for answer in answers)
    assert answers[2].json()["response_shape"] == {"apiKey": "$credential.apiKey"}


@pytest.mark.parametrize(
    ("query", "found"), [("external_id=customer-1", 1), ("external_id=nobody", 0), ("state=active", 1)]
)
def test_the_list_is_filtered(vendor, door, query, found):
    assert len(vendor.get(f"/installations?{query}").json()["items"]) == found


@pytest.mark.parametrize(
    "around", ["{}", "GET /orders Authorization: Bearer {} 200", "https://api.example.com/?key={}&x=1"]
)
def test_a_reason_that_holds_a_key_is_refused(vendor, door, trail, around):
    value = "the-key-of-customer-1"
    credential = vendor.put("/end-users/customer-1/grants/int_abc123", {"values": {"apiKey": value}}).json()
    told = "This text holds a key. Describe it without the key."
    acts = {
        f"{PATH}/refuse": "/why",
        "/end-users/customer-1/suspend": "/why",
        f"/credentials/{credential['credential']['id']}/revoke": "/reason",
    }
    for held in (value, vendor.token, SECRET):
        for place, field in acts.items():
            problem = refused(vendor.post(place, {field[1:]: around.format(held)}), 400, "invalid_request", field)
            assert (problem["errors"][0]["message"], held in str(problem)) == (told, False)
    problem = refused(vendor.delete(f"/end-users/customer-1/grants/int_abc123?reason={value}"), 400, "invalid_request")
    assert told in str(problem)
    lines = [line for line in trail.all() if line.action.endswith(".recognised")]
    assert {(line.action, line.actor) for line in lines} == {
        ("credential.recognised", "token:backend"),
        ("service_token.recognised", "token:backend"),
        ("signing_secret.recognised", "token:backend"),
    }
    assert value not in str([line.detail for line in trail.all()])
    assert vendor.post(f"{PATH}/suspend", {"why": "its key was in a log of 2026-12-01"}).status_code == 200
