"""A PUT that drops attributes of a customer leaves nobody without an answer, unless that is accepted."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credservice.vendor_api.models import Scope
from exchange.models import EndUser, Installation
from tests.exchange.bulk.imports import ndjson
from tests.vendor_api.client import Vendor, refused
from tests.vendor_api.test_bulk import bulk

PATH = "/end-users/customer-1"
ACCEPTED = "accept_changed_answers=true"
CODE = "answers_would_change"
TENANT = {"apiKey": "$credential.apiKey", "tenant": "$end_user.tenant"}
KEPT = {"tenant": "t-1", "plan": "gold"}
WHY = "1 installation would get no answer: install_xyz789 (the customer has no attribute tenant)."


@pytest.fixture
def answered(door):
    """A customer whose attribute is in its answers."""
    door.grant()
    door.integration.response_shape = TENANT
    door.integration.save()
    EndUser.objects.update(attributes=KEPT)
    assert door.post().json()["tenant"] == "t-1"
    return door


def attributes():
    return EndUser.objects.get(external_id="customer-1").attributes


def test_an_attribute_that_an_answer_needs_is_not_dropped_by_the_way(vendor, answered, trail):
    body = refused(vendor.put(PATH, {"name": "Ada", "attributes": {"plan": "silver"}}), 409, CODE)
    assert body["detail"] == WHY
    assert "?accept_changed_answers=true" in body["action"]
    assert attributes() == KEPT
    assert not trail.all(action="end_user.changed")
    assert answered.post().status_code == 200


def test_it_is_dropped_where_that_is_accepted(vendor, answered, trail):
    assert vendor.put(f"{PATH}?{ACCEPTED}", {"attributes": {"plan": "silver"}}).status_code == 200
    counts = {"different": 0, "unanswered": 1, "not_all_looked_at": 0}
    assert trail.one(action="end_user.changed").detail["accepted_changed_answers"] == counts
    assert answered.post().json()["code"] == "incomplete_answer"
    assert vendor.put(PATH, {"attributes": {}}).status_code == 200  # nothing is left to lose


@pytest.mark.parametrize(
    "sent",
    [
        {"tenant": "t-2", "plan": "gold"},
        {"tenant": None, "plan": "gold"},
        {"tenant": "t-1"},
        {"tenant": "t-1", "seats": 3},
    ],
)
def test_what_leaves_every_answer_is_not_asked_about(vendor, answered, sent):
    assert vendor.put(PATH, {"attributes": sent}).json()["attributes"] == sent
    assert answered.post().json()["tenant"] == sent["tenant"]


def test_nothing_is_looked_at_where_no_name_is_lost(vendor, answered):
    with CaptureQueriesContext(connection) as asked:
        vendor.put(PATH, {"attributes": {"tenant": "t-2", "plan": "silver"}})
    assert not [query for query in asked.captured_queries if "exchange_installation" in query["sql"]]


@pytest.mark.parametrize("state", ["pending", "suspended"])
def test_who_gets_no_answer_today_loses_none(vendor, answered, state):
    Installation.objects.update(state=state)
    assert vendor.put(PATH, {"attributes": {}}).status_code == 200


def test_an_installation_that_nothing_is_granted_to_loses_nothing(vendor, answered):
    answered.end_user.grants.all().delete()
    assert vendor.put(PATH, {"attributes": {}}).status_code == 200


def test_who_may_not_read_installations_is_told_how_many_alone(vendor, answered):
    blind = Vendor(answered.client, scopes=[Scope.WRITE_END_USERS, Scope.IMPORT], name="blind")
    told = "1 installation would get no answer."
    assert refused(blind.put(PATH, {"attributes": {}}), 409, CODE)["detail"] == told
    assert imported(blind)["errors"][0]["problem"]["detail"] == told


def imported(vendor, query=""):
    return bulk(vendor, ndjson({"external_id": "customer-1", "attributes": {"plan": "silver"}}), query).json()


def test_a_row_of_an_import_is_refused_for_the_same(vendor, answered):
    (error,) = imported(vendor)["errors"]
    assert error["problem"]["type"].endswith(CODE)
    assert error["problem"]["detail"] == WHY
    assert attributes() == KEPT
    assert imported(vendor, "?dry_run=true")["failed"] == 1
    assert imported(vendor, f"?{ACCEPTED}")["changed"] == 1
    assert attributes() == {"plan": "silver"}
