"""A signed exchange and its answer."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exchange.models import Integration
from tests.support.exchange_factories import IDS, VALUE, make_platform


def test_it_answers_the_documents_request(door, granted):
    response = door.post()
    assert (response.status_code, response.json()) == (200, {"apiKey": VALUE})


def test_it_answers_the_default_platform_without_its_name(door, granted):
    assert door.post(path="/credential-exchange").json() == {"apiKey": VALUE}


@pytest.mark.parametrize("path", ["/credential-exchange/", "/credential-exchange/mindcloud/"])
def test_it_answers_with_a_final_slash(door, granted, path):
    assert door.post(path=path).status_code == 200


def test_its_answer_is_not_to_be_stored(door, granted):
    assert door.post()["Cache-Control"] == "no-store"


def test_its_answer_is_json(door, granted):
    assert door.post()["Content-Type"] == "application/json"


def test_a_stored_credential_costs_two_statements_and_no_transaction(door, granted):
    door.post()  # data keys are read once
    with CaptureQueriesContext(connection) as queries:
        assert door.post().status_code == 200
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT"]


def test_unknown_fields_of_the_body_are_ignored(door, granted):
    assert door.post(IDS | {"workflowId": "wf_1", "nested": {"a": [1]}}).status_code == 200


def test_ids_are_case_sensitive(door, granted):
    assert door.post(IDS | {"installationId": "INSTALL_XYZ789"}).json()["code"] == "waiting_for_approval"
    assert door.post(IDS | {"integrationId": "INT_ABC123"}).json()["code"] == "unknown_integration"


def test_ids_of_255_characters_are_taken(door, granted):
    door.installation.installation_id = "ü" * 255
    door.installation.save()
    assert door.post(IDS | {"installationId": "ü" * 255}).status_code == 200


def test_a_shape_takes_values_fixed_texts_and_attributes(door, granted):
    door.end_user.attributes, door.installation.attributes = {"tenant": "t-9"}, {"seats": 7}
    door.end_user.save()
    door.installation.save()
    shape = {
        "apiKey": "$credential.apiKey",
        "customer": "$end_user.external_id",
        "tenant": "$end_user.tenant",
        "seats": "$installation.seats",
        "region": "eu",
        "price": "$$9",
    }
    Integration.objects.update(response_shape=shape)
    assert door.post().json() == {
        "apiKey": VALUE,
        "customer": "customer-1",
        "tenant": "t-9",
        "seats": 7,
        "region": "eu",
        "price": "$9",
    }


def test_an_answer_that_cannot_be_filled_is_404(door, granted, trail):
    Integration.objects.update(response_shape={"tenant": "$end_user.tenant"})
    response = door.post()
    assert (response.status_code, response.json()["code"]) == (404, "incomplete_answer")
    assert not trail.all(outcome="granted")


def test_a_value_that_the_credential_lacks_is_404(door, granted):
    Integration.objects.update(response_shape={"secret": "$credential.clientSecret"})
    assert door.post().json()["code"] == "incomplete_answer"


def test_ids_of_another_platform_are_unknown(door, granted):
    make_platform("staging", secret="staging-signing-secret-of-the-tests")
    headers = door.signed("/credential-exchange/staging", secret="staging-signing-secret-of-the-tests")
    response = door.post(path="/credential-exchange/staging", headers=headers)
    assert (response.status_code, response.json()["code"]) == (404, "unknown_integration")
