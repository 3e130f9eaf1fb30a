"""ETag, If-Match, If-None-Match: nobody's change is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate
from exchange.models import EndUser, Grant
from tests.credentials.lock_order import await_somebody_waiting
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_door
from tests.vendor_api.client import Vendor, refused

PATH = "/end-users/customer-1"
GRANT = f"{PATH}/grants/int_abc123"


@pytest.fixture
def tag(vendor, door):
    return vendor.get(PATH)["ETag"]


def test_a_write_under_the_present_tag_is_done_and_answers_the_next(vendor, tag):
    answer = vendor.put(PATH, {"name": "Ada"}, If_Match=tag)
    assert answer.status_code == 200
    assert answer["ETag"] == vendor.get(PATH)["ETag"] != tag


def test_a_write_under_an_earlier_tag_is_refused(vendor, tag):
    vendor.put(PATH, {"name": "Ada"})
    refused(vendor.put(PATH, {"name": "Grace"}, If_Match=tag), 412, "precondition_failed")
    assert EndUser.objects.get(external_id="customer-1").name == "Ada"


@pytest.mark.parametrize("header", ["W/{}", '"other"', '"other", "another"'])
def test_a_weak_or_another_tag_does_not_match(vendor, tag, header):
    refused(vendor.put(PATH, {"name": "x"}, If_Match=header.format(tag)), 412, "precondition_failed")


@pytest.mark.parametrize("header", ["*", '"other", {}', "{}"])
def test_any_one_of_several_matches(vendor, tag, header):
    assert vendor.put(PATH, {"name": "x"}, If_Match=header.format(tag)).status_code == 200


def test_what_is_no_tag_is_refused(vendor, tag):
    refused(vendor.put(PATH, {"name": "x"}, If_Match="nonsense"), 400, "invalid_request")


def test_what_is_not_there_matches_nothing(vendor, door):
    answer = vendor.put("/end-users/customer-2", {"end_user_id": "enduser_2"}, If_Match="*")
    refused(answer, 412, "precondition_failed")
    assert not EndUser.objects.filter(external_id="customer-2").exists()


def test_a_put_may_only_make(vendor, door):
    body = {"end_user_id": "enduser_2"}
    assert vendor.put("/end-users/customer-2", body, If_None_Match="*").status_code == 201
    answer = vendor.put("/end-users/customer-2", {"name": "x"}, If_None_Match="*")
    assert "It is there already" in refused(answer, 412, "precondition_failed")["action"]
    assert EndUser.objects.get(external_id="customer-2").name == ""


def test_a_grant_that_may_only_be_made_keeps_its_values(vendor, door):
    vendor.put(GRANT, {"values": {"apiKey": "first-key"}})
    answer = vendor.put(GRANT, {"values": {"apiKey": "second-key"}}, If_None_Match="*")
    refused(answer, 412, "precondition_failed")
    assert door.post().json() == {"apiKey": "first-key"}


def test_a_rotation_changes_the_tag_of_the_grant(vendor, door):
    made = vendor.put(GRANT, {"values": {"apiKey": "first-key"}})
    vendor.put(GRANT, {"values": {"apiKey": "second-key"}})
    refused(vendor.delete(GRANT, If_Match=made["ETag"]), 412, "precondition_failed")
    assert vendor.delete(GRANT, If_Match=vendor.get(GRANT)["ETag"]).status_code == 204


def test_who_has_it_already_gets_304(vendor, tag):
    answer = vendor.get(PATH, If_None_Match=tag)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert vendor.get(PATH, If_None_Match='"other"').status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/installations/install_xyz789/suspend", {}),
        ("/end-users/customer-1/suspend", {}),
        ("/end-users/customer-1/resume", {}),
    ],
)
def test_every_act_takes_the_condition(vendor, door, path, body):
    refused(vendor.post(path, body, If_Match='"other"'), 412, "precondition_failed")


@pytest.mark.django_db(transaction=True)
def test_of_many_under_one_tag_one_wins(client):
    make_door(client)
    vendor = Vendor(client)
    tag = vendor.get(PATH)["ETag"]
    answers = at_once(lambda number: vendor.again().put(PATH, {"name": f"name {number}"}, If_Match=tag), 6)
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert EndUser.objects.get(external_id="customer-1").name == winner.json()["name"]


def during_a_rotation(act):
    """Return the result of ``act``, begun while a worker's rotation of the only credential is not yet committed."""

    def run():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            rotate(credential=Credential.objects.get(), actor="worker", entered={"apiKey": "rotated-key"})
            acting = threads.submit(run)
            await_somebody_waiting()
        return acting.result(20)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_rotation_under_way_changes_the_grant_before_it_is_looked_at(client, method):
    make_door(client)
    vendor = Vendor(client)
    tag = vendor.put(GRANT, {"values": {"apiKey": "first-key"}})["ETag"]
    body = {"values": {"apiKey": "third-key"}} if method == "PUT" else None
    answer = during_a_rotation(lambda: vendor.again().call(method, GRANT, body, If_Match=tag))
    refused(answer, 412, "precondition_failed")
    states = Credential.objects.order_by("created_at").values_list("state", flat=True)
    assert (Grant.objects.count(), list(states)) == (1, ["retiring", "active"])
