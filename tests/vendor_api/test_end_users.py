"""End users, as the vendor's backend keeps them."""

import pytest

from exchange.models import EndUser, Integration
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_door, make_platform
from tests.vendor_api.client import Vendor, refused

ADA = {"end_user_id": "enduser_ada", "name": "Ada", "attributes": {"region": "eu", "seats": 3}}


def test_it_registers_an_end_user(vendor, door, trail):
    answer = vendor.put("/end-users/customer-2", ADA)
    assert answer.status_code == 201
    assert answer.json() | ADA == answer.json()
    assert answer.json()["external_id"] == "customer-2"
    assert trail.one(action="end_user.created").actor == "token:backend"


def test_the_same_again_changes_nothing(vendor, door, trail):
    first = vendor.put("/end-users/customer-2", ADA)
    second = vendor.put("/end-users/customer-2", ADA)
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(trail.all(object_type="end_user")) == 1


def test_what_is_left_out_stays(vendor, door):
    vendor.put("/end-users/customer-2", ADA)
    answer = vendor.put("/end-users/customer-2", {"name": "Ada L."})
    assert answer.json()["attributes"] == ADA["attributes"]
    assert EndUser.objects.get(external_id="customer-2").name == "Ada L."


def test_a_new_one_needs_the_platforms_id(vendor, door):
    refused(vendor.put("/end-users/customer-2", {"name": "Ada"}), 400, "invalid_request", "/end_user_id")
    assert not EndUser.objects.filter(external_id="customer-2").exists()


def test_an_external_id_has_at_most_255_characters(vendor, door):
    assert vendor.put(f"/end-users/{'x' * 255}", ADA).status_code == 201
    refused(vendor.put(f"/end-users/{'x' * 256}", ADA | {"end_user_id": "enduser_new"}), 400, "invalid_request")


def test_a_path_that_is_no_utf_8_names_nothing(vendor, door):
    refused(vendor.put("/end-users/%FF", ADA), 404, "not_found")
    assert vendor.put("/end-users/%25FF", ADA).json()["external_id"] == "%FF"
    refused(vendor.get("/end-users/%FF"), 404, "not_found")


def test_the_platforms_id_never_changes(vendor, door):
    refused(vendor.put("/end-users/customer-1", {"end_user_id": "enduser_other"}), 409, "conflict")


def test_the_platforms_id_of_another_is_refused(vendor, door):
    refused(vendor.put("/end-users/customer-2", {"end_user_id": door.end_user.end_user_id}), 409, "conflict")


def test_one_that_the_console_made_becomes_the_vendors(vendor, door):
    EndUser.objects.create(platform=door.platform, end_user_id="enduser_ada")
    answer = vendor.put("/end-users/customer-2", ADA)
    assert (answer.status_code, answer.json()["external_id"]) == (200, "customer-2")
    assert EndUser.objects.filter(end_user_id="enduser_ada").count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one(client):

    make_door(client)
    vendor = Vendor(client)
    answers = at_once(lambda _: vendor.again().put("/end-users/customer-2", ADA), 6)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert EndUser.objects.filter(external_id="customer-2").count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": 7}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"name": None}, "/name"),
        ({"end_user_id": ""}, "/end_user_id"),
        ({"attributes": []}, "/attributes"),
        ({"attributes": {"a/b": {"deep": 1}}}, "/attributes/a~1b"),
        ({"nmae": "Ada"}, "/nmae"),
    ],
)
def test_bad_input_is_named_by_its_place(vendor, door, body, pointer):
    refused(vendor.put("/end-users/customer-1", body), 400, "invalid_request", pointer)


def test_every_mistake_is_named_at_once(vendor, door):
    body = refused(vendor.put("/end-users/customer-1", {"name": 7, "attributes": 7}), 400, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/name", "/attributes"]


def test_it_is_found_by_our_id_as_well(vendor, door):
    answer = vendor.get(f"/end-users/{door.end_user.pk}")
    assert answer.json()["external_id"] == "customer-1"


def test_it_is_changed_by_our_id_as_well(vendor, door):
    EndUser.objects.filter(pk=door.end_user.pk).update(external_id="with/slash")
    answer = vendor.put(f"/end-users/{door.end_user.pk}", {"name": "Ada"})
    assert (answer.status_code, answer.json()["external_id"], answer.json()["name"]) == (200, "with/slash", "Ada")


def test_a_uuid_of_the_vendors_is_an_external_id(vendor, door):
    answer = vendor.put("/end-users/8b0f6c1e-6a36-4b0e-9c0b-1d5a35b0b6b2", ADA)
    assert (answer.status_code, answer.json()["external_id"]) == (201, "8b0f6c1e-6a36-4b0e-9c0b-1d5a35b0b6b2")


@pytest.mark.parametrize("name", ["nobody", "0dc1a1c0-0000-4000-8000-000000000000", "%00", "a%0Ab"])
def test_an_unknown_one_is_not_found(vendor, door, name):
    refused(vendor.get(f"/end-users/{name}"), 404, "not_found")


def test_another_platforms_end_user_is_another(vendor, door):
    make_platform("staging", secret="another-signing-secret-for-tests")
    assert vendor.put("/end-users/customer-1?platform=staging", ADA).status_code == 201
    assert vendor.get("/end-users/customer-1").json()["end_user_id"] == door.end_user.end_user_id


def test_our_id_is_found_whatever_the_platform(vendor, door):
    """It names one alone; the platform has to be said only with ids that several may have."""
    staging = make_platform("staging", secret="another-signing-secret-for-tests")
    made = vendor.put("/end-users/customer-9?platform=staging", ADA).json()
    assert vendor.get(f"/end-users/{made['id']}").json() == made
    assert vendor.put(f"/end-users/{made['id']}", {"name": "Ada L."}).json()["name"] == "Ada L."
    assert vendor.post(f"/end-users/{made['id']}/suspend").json()["state"] == "suspended"
    refused(vendor.get(f"/end-users/{made['id']}?platform=mindcloud"), 404, "not_found")
    integration = Integration.objects.create(
        platform=staging, integration_id="int_s", policy=door.integration.policy, response_shape={}
    )
    assert vendor.get(f"/integrations/{integration.pk}").json()["integration_id"] == "int_s"
    refused(vendor.get(f"/end-users/{made['id']}/grants/{integration.pk}"), 404, "not_found")  # there is none yet
    at = {"values": {"apiKey": "a-key-of-the-customer-at-staging"}}
    assert vendor.put(f"/end-users/{made['id']}/grants/int_s?platform=staging", at).status_code == 201
    assert vendor.get(f"/end-users/{made['id']}/grants/int_s").json()["platform"] == "staging"
    # An id of the vendor's own that is written like ours goes first.
    vendor.put(f"/end-users/{made['id']}?platform=mindcloud", {"end_user_id": "enduser_like_ours"})
    assert vendor.get(f"/end-users/{made['id']}").json()["end_user_id"] == "enduser_like_ours"


def test_the_platform_is_to_be_said_where_none_is_the_default(vendor, door):
    door.configure(is_default=False)
    assert vendor.get("/end-users/customer-1").status_code == 200  # there is one alone
    make_platform("staging", secret="another-signing-secret-for-tests")
    refused(vendor.get("/end-users/customer-1"), 400, "invalid_request", "?platform")
    refused(vendor.get("/end-users/customer-1?platform=nowhere"), 400, "invalid_request", "?platform")


def test_a_suspended_one_is_refused_exchanges_until_it_is_resumed(vendor, door):
    door.grant()
    assert vendor.post("/end-users/customer-1/suspend", {"why": "unpaid"}).json()["state"] == "suspended"
    assert door.post().status_code == 403
    assert vendor.post("/end-users/customer-1/suspend").status_code == 200
    assert vendor.post("/end-users/customer-1/resume").json()["state"] == "active"
    assert door.post().status_code == 200


def test_its_suspension_is_in_the_trail_with_its_reason(vendor, door, trail):
    vendor.post("/end-users/customer-1/suspend", {"why": "unpaid"})
    event = trail.one(action="end_user.suspended")
    assert (event.actor, event.subject, event.detail["why"]) == ("token:backend", door.end_user.subject, "unpaid")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("external_id=customer-1", 1),
        ("end_user_id=enduser_456def", 1),
        ("state=active", 1),
        ("state=suspended", 0),
        ("platform=mindcloud", 1),
        ("name=ad", 1),
    ],
)
def test_the_list_is_filtered(vendor, door, query, found):
    vendor.put("/end-users/customer-1", {"name": "Ada"})
    assert len(vendor.get(f"/end-users?{query}").json()["items"]) == found


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("customer-9%20", ADA, "/external_id"),
        ("customer-9", ADA | {"end_user_id": "enduser_ada "}, "/end_user_id"),
        ("customer-9", ADA | {"end_user_id": "enduser\u200b_ada"}, "/end_user_id"),
        ("customer-9", ADA | {"name": "Ada\nBo"}, "/name"),
    ],
)
def test_ids_and_names_hold_no_blanks_at_the_ends_and_nothing_unseen(vendor, door, path, body, pointer):
    refused(vendor.put(f"/end-users/{path}", body), 400, "invalid_request", pointer)
    assert not EndUser.objects.filter(external_id__startswith="customer-9").exists()


def test_one_that_was_stored_before_the_rule_is_found_and_changed(vendor, door):
    EndUser.objects.create(platform=door.platform, external_id="old ", end_user_id="enduser_old ")
    answer = vendor.put("/end-users/old%20", {"name": "Ada"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    found = vendor.get("/end-users?external_id=old%20").json()
    assert [each["end_user_id"] for each in found["items"]] == ["enduser_old "]
