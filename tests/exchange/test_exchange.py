"""A signed exchange and its answer."""

import pytest
from django.test.utils import CaptureQueriesContext
from django.db import connection

from tests.exchange.factories import VALUE


def test_it_answers_the_documents_request(door, granted):
    response = door.post()
    assert (response.status_code, response.json()) == (200, {"apiKey": VALUE})


def test_it_answers_the_default_platform_without_its_name(door, granted):
    assert door.post(path="/credential-exchange").json() == {"apiKey": VALUE}


@pytest.mark.parametrize("path", ["/credential-exchange/", "/credential-exchange/mindcloud/"])
def test_it_answers_with_a_final_slash(door, granted, path):
    assert door.post(path=path).status_code == 200


def test_a_stored_credential_costs_three_round_trips_and_no_transaction(door, granted):
    door.post()  # data keys are read once
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert door.post().status_code == 200
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT", "INSERT"]
