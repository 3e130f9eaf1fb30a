"""A PUT that changes what customers are answered today is done only where that is accepted."""

import pytest

from exchange.models import Installation, Integration
from tests.support.exchange_factories import VALUE
from tests.vendor_api.client import refused

PATH = "/integrations/int_abc123"
ACCEPTED = "accept_changed_answers=true"
WIDER = {"response_shape": {"apiKey": "$credential.apiKey", "region": "$end_user.region"}}
KEYS = {"issuer": "api_key", "options": {"name": "apiKey"}}
CODE = "answers_would_change"


@pytest.fixture
def answered(door, granted):
    """Six installations that are answered."""
    for number in range(5):
        Installation.objects.create(
            platform=door.platform,
            integration=door.integration,
            end_user=door.end_user,
            installation_id=f"install_{number}",
        )
    return door


@pytest.fixture
def granted(door):
    return door.grant()


def shape():
    return Integration.objects.get(integration_id="int_abc123").response_shape


def test_who_would_get_no_answer_is_told_and_nothing_is_changed(vendor, answered, trail):
    body = refused(vendor.put(PATH, WIDER), 409, CODE)
    assert body["detail"].startswith("6 installations would get no answer: install_4 (the customer has no attribute")
    assert body["detail"].endswith(" and 1 more.")
    assert "?accept_changed_answers=true" in body["action"]
    assert shape() == {"apiKey": "$credential.apiKey"}
    assert not trail.all(action="integration.changed")


def test_who_would_be_answered_differently_is_told_how_and_no_value(vendor, answered):
    detail = refused(vendor.put(PATH, {"response_shape": {"apiKey": VALUE}}), 409, CODE)["detail"]
    assert detail.startswith("6 installations would be answered differently: install_4, install_3, ")
    assert detail.endswith(" and 1 more. `apiKey` is now a fixed text.")
    assert VALUE not in detail


def test_it_is_done_where_it_is_accepted(vendor, answered, trail):
    answer = vendor.put(f"{PATH}?{ACCEPTED}", WIDER)
    assert (answer.status_code, answer.json()["response_shape"]) == (200, WIDER["response_shape"])
    assert trail.one(action="integration.changed").actor == "token:backend"
    assert vendor.put(PATH, WIDER).status_code == 200
    answered.end_user.refresh_from_db()
    assert vendor.put(PATH, {"response_shape": {"apiKey": "$credential.apiKey"}}).status_code == 200


def test_what_changes_no_answer_is_not_asked_about(vendor, answered):
    assert vendor.put(PATH, {"name": "Acme", "response_shape": shape()}).status_code == 200
    new = {"policy": "entered", "response_shape": {"token": "$credential.apiKey"}}
    assert vendor.put("/integrations/int_new", new).status_code == 201
    assert vendor.put("/policies/entered", {"options": {"names": ["apiKey", "tenant"]}}).status_code == 200
    assert vendor.put(f"/policies/new?{ACCEPTED}", KEYS).status_code == 201


def test_a_refused_call_may_be_sent_again_under_its_key(vendor, answered):
    refused(vendor.put(PATH, WIDER, Idempotency_Key="k1"), 409, CODE)
    assert vendor.put(f"{PATH}?{ACCEPTED}", WIDER, Idempotency_Key="k1").status_code == 200


def test_conditions_come_first(vendor, answered):
    tag = vendor.get(PATH)["ETag"]
    refused(vendor.put(PATH, WIDER, If_None_Match="*"), 412, "precondition_failed")
    refused(vendor.put(PATH, WIDER, If_Match='"other"'), 412, "precondition_failed")
    refused(vendor.put(PATH, WIDER, If_Match=tag), 409, CODE)


def test_it_is_accepted_by_true_alone(vendor, answered):
    refused(vendor.put(f"{PATH}?accept_changed_answers=false", WIDER), 409, CODE)
    refused(vendor.put(f"{PATH}?accept_changed_answers=6", WIDER), 400, "invalid_request", "?accept_changed_answers")
    refused(vendor.put(f"/platforms/mindcloud?{ACCEPTED}", {}), 400, "invalid_request", "?accept_changed_answers")


def test_a_policy_whose_issuer_changes_is_refused_for_what_uses_it(vendor, door):
    vendor.put("/policies/generated", KEYS)
    vendor.put(PATH, {"policy": "generated"})
    entered = {"issuer": "static", "options": {"names": ["apiKey"]}}
    detail = refused(vendor.put("/policies/generated", entered), 409, CODE)["detail"]
    assert detail == (
        "Integration int_abc123 of mindcloud uses it: 1 installation would get no answer: install_xyz789 (its values "
        "would have to be entered)."
    )
    assert vendor.put(f"/policies/generated?{ACCEPTED}", entered).json()["issuer"] == "static"
