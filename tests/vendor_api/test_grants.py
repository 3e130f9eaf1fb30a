"""Granting by the vendor API, and what the exchange hands out then."""

from datetime import timedelta

import pytest

from credservice.credentials.models import Credential, CredentialPolicy
from exchange.models import Grant, Installation, Integration
from tests.credentials.remote import UNAVAILABLE
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_door, make_platform, make_policy
from tests.vendor_api.client import Vendor, refused

PLACE = "/end-users/customer-1/grants/int_abc123"


def values(text):
    return {"values": {"apiKey": text}}


def test_the_next_exchange_hands_out_what_was_granted(vendor, door):
    answer = vendor.put(PLACE, values("the-customers-key"))
    assert (answer.status_code, answer.json()["credential"]["state"]) == (201, "active")
    assert door.post().json() == {"apiKey": "the-customers-key"}
    assert vendor.get(answer["Location"].removeprefix("/api/v1")).json() == answer.json()


def test_the_same_values_change_nothing(vendor, door, trail):
    first = vendor.put(PLACE, values("the-customers-key"))
    second = vendor.put(PLACE, values("the-customers-key"))
    assert (second.status_code, second.json()) == (200, first.json())
    assert len(trail.all(action="credential.issued")) == 1


def test_other_values_make_a_successor_that_the_present_ones_overlap(vendor, door):
    vendor.put(PLACE, values("first-key"))
    assert vendor.put(PLACE, values("second-key")).status_code == 200
    assert door.post().json() == {"apiKey": "second-key"}
    states = Credential.objects.order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["retiring", "active"]


def test_values_are_put_where_the_successor_was_revoked(vendor, door):
    vendor.put(PLACE, values("first-key"))
    second = vendor.put(PLACE, values("second-key")).json()["credential"]["id"]
    vendor.post(f"/credentials/{second}/revoke", {"reason": "wrong"})
    assert door.post().json() == {"apiKey": "first-key"}
    assert vendor.put(PLACE, values("third-key")).status_code == 200
    assert door.post().json() == {"apiKey": "third-key"}


def test_blanks_around_a_value_belong_to_it(vendor, door):
    vendor.put(PLACE, values("key-2"))
    vendor.put(PLACE, values(" key-2 "))
    assert door.post().json() == {"apiKey": " key-2 "}


def test_an_overlap_of_nothing_ends_the_present_ones(vendor, door):
    vendor.put(PLACE, values("first-key"))
    vendor.put(PLACE, values("second-key") | {"overlap_seconds": 0})
    assert Credential.objects.order_by("created_at").first().state == "revoked"


def test_a_narrower_grant_is_for_one_installation(vendor, door):
    vendor.put(PLACE, values("for-all"))
    narrow = vendor.put(f"{PLACE}?installation={door.installation.installation_id}", values("for-one"))
    assert narrow.json()["installation_id"] == door.installation.installation_id
    assert door.post().json() == {"apiKey": "for-one"}


def test_an_installation_of_another_is_refused(vendor, door):
    other = vendor.put("/end-users/customer-2", {"end_user_id": "enduser_2"}).json()
    Installation.objects.create(
        platform=door.platform, integration=door.integration, end_user_id=other["id"], installation_id="install_2"
    )
    refused(vendor.put(f"{PLACE}?installation=install_2", values("x")), 400, "invalid_request")


def test_a_policy_that_generates_needs_no_values(vendor, door):
    door.generate()
    answer = vendor.put(PLACE, {})
    assert answer.status_code == 201
    assert vendor.put(PLACE, {}).json() == answer.json()
    refused(vendor.put(PLACE, values("x")), 400, "invalid_request", "/values")


@pytest.mark.parametrize("body", [{}, {"values": {"other": "x"}}, {"values": {"apiKey": "x", "other": "x"}}])
def test_a_policy_that_does_not_needs_its_values_and_no_others(vendor, door, body):
    told = refused(vendor.put(PLACE, body), 400, "invalid_request", "/values")["errors"][0]["message"]
    assert told == "Send a value for each of apiKey, and for nothing else: policy 'entered' has these names now."
    assert not Credential.objects.exists()


def test_a_refusal_never_repeats_a_value(vendor, door):
    answer = vendor.put(PLACE, {"values": {"apiKey": "hunter2-hunter2", "other": "hunter2-hunter2"}})
    assert b"hunter2" not in answer.content


def test_an_ended_credential_is_replaced(vendor, door):
    first = vendor.put(PLACE, values("first-key")).json()["credential"]["id"]
    vendor.post(f"/credentials/{first}/revoke", {"reason": "test"})
    assert vendor.get(PLACE).json()["credential"] is None
    assert vendor.put(PLACE, values("second-key")).status_code == 200
    assert door.post().json() == {"apiKey": "second-key"}


def another_policy(**settings):
    Integration.objects.update(policy=make_policy(name="another", **settings))


def versions():
    """Tell of each credential its policy, its state and how many seconds it retires for."""
    found = Credential.objects.select_related("policy").order_by("created_at")
    return [(each.policy.name, each.state, each.retires_at and kept_for(each)) for each in found]


def kept_for(credential):
    return round((credential.retires_at - credential.successors.get().activated_at).total_seconds())


WIDER = {"values": {"apiKey": "second-key", "secret": "s"}}


def test_another_policy_of_the_integration_makes_the_successor(vendor, door, trail):
    first = vendor.put(PLACE, values("first-key")).json()
    another_policy(options={"names": ["apiKey", "secret"]}, overlap=timedelta(hours=2))
    refused(vendor.put(PLACE, values("second-key")), 400, "invalid_request", "/values")
    answer = vendor.put(PLACE, WIDER)
    assert (answer.status_code, answer.json()["line"]) == (200, first["line"])
    assert versions() == [("entered", "retiring", 7200), ("another", "active", None)]
    successor = Credential.objects.get(state="active")
    assert str(successor.predecessor_id) == first["credential"]["id"]
    assert [line.action for line in trail.all(action__in=["credential.revoked", "grant.withdrawn"])] == []
    assert vendor.put(PLACE, WIDER).json() == answer.json()


def test_the_present_ones_of_the_policy_before_stay_good_for_the_overlap(vendor, door):
    vendor.put(PLACE, values("first-key"))
    another_policy(options={"names": ["apiKey", "secret"]})
    vendor.put(PLACE, WIDER | {"overlap_seconds": 86400})
    assert versions() == [("entered", "retiring", 86400), ("another", "active", None)]


def test_the_same_values_are_left_to_the_policy_before(vendor, door):
    first = vendor.put(PLACE, values("first-key"))
    another_policy()
    assert vendor.put(PLACE, values("first-key")).json() == first.json()
    assert versions() == [("entered", "active", None)]


def test_a_policy_that_generates_makes_the_successor_of_what_was_entered(vendor, door):
    vendor.put(PLACE, values("first-key"))
    another_policy(issuer="api_key", options={"name": "apiKey"}, overlap=timedelta(hours=2))
    answer = vendor.put(PLACE, {})
    assert versions() == [("entered", "retiring", 7200), ("another", "active", None)]
    assert vendor.put(PLACE, {}).json() == answer.json()


def test_what_is_entered_succeeds_what_a_policy_generated(vendor, door):
    door.generate()
    generated = vendor.put(PLACE, {}).json()
    another_policy(overlap=timedelta(hours=2))
    assert vendor.put(PLACE, values("second-key")).json()["line"] == generated["line"]
    assert [version[1:] for version in versions()] == [("retiring", 7200), ("active", None)]


def test_a_successor_that_its_issuer_has_yet_to_make_is_not_begun_twice(vendor, door, remote):
    vendor.put(PLACE, values("first-key"))
    Integration.objects.update(policy=CredentialPolicy.objects.get(name="remote"))
    remote.answer = UNAVAILABLE
    first = vendor.put(PLACE, {})
    assert (first.status_code, vendor.put(PLACE, {}).status_code) == (202, 202)
    assert versions() == [("entered", "active", None), ("remote", "pending", None)]
    assert door.post().json() == {"apiKey": "first-key"}


def test_what_a_grant_by_the_policy_before_hands_out_too_is_left_to_it(vendor, door):
    first = vendor.put(PLACE, values("first-key")).json()
    other = Integration.objects.create(
        platform=door.platform, integration_id="int_crm", policy=door.integration.policy, response_shape={}
    )
    Grant.objects.create(integration=other, end_user=door.end_user, line=first["line"])
    policy = make_policy(name="another")
    Integration.objects.exclude(pk=other.pk).update(policy=policy)
    assert vendor.put(PLACE, values("second-key")).json()["line"] != first["line"]
    assert versions() == [("entered", "active", None), ("another", "active", None)]


def test_a_credential_takes_values_of_the_policy_that_its_integration_has_now(vendor, door):
    first = vendor.put(PLACE, values("first-key")).json()["credential"]["id"]
    another_policy(options={"names": ["apiKey", "secret"]}, overlap=timedelta(hours=2))
    path = f"/credentials/{first}/values"
    refused(vendor.put(path, values("second-key")), 400, "invalid_request", "/values")
    assert vendor.put(path, WIDER).status_code == 201
    assert versions() == [("entered", "retiring", 7200), ("another", "active", None)]


def test_a_rotation_is_by_the_policy_that_its_integration_has_now(vendor, door):
    first = vendor.put(PLACE, values("first-key")).json()["credential"]["id"]
    another_policy(options={"names": ["apiKey", "secret"]}, overlap=timedelta(hours=2))
    path = f"/credentials/{first}/rotate"
    refused(vendor.post(path, values("second-key")), 400, "invalid_request", "/values")
    assert vendor.post(path, WIDER).status_code == 201
    assert versions() == [("entered", "retiring", 7200), ("another", "active", None)]


def test_a_withdrawn_grant_is_handed_out_no_more(vendor, door):
    vendor.put(PLACE, values("first-key"))
    assert vendor.delete(f"{PLACE}?reason=left").status_code == 204
    assert door.post().status_code == 404
    refused(vendor.delete(PLACE), 404, "not_found")
    refused(vendor.get(PLACE), 404, "not_found")


def test_a_suspended_end_users_credential_is_granted_suspended(vendor, door):
    vendor.post("/end-users/customer-1/suspend")
    granted = vendor.put(PLACE, values("first-key")).json()["credential"]["id"]
    assert vendor.get(f"/credentials/{granted}").json()["suspended"] is True


def test_the_list_costs_the_same_queries_however_long(vendor, door, django_assert_num_queries):
    for number in range(5):
        vendor.put(f"/end-users/customer-{number + 10}", {"end_user_id": f"enduser_{number}"})
        vendor.put(f"/end-users/customer-{number + 10}/grants/int_abc123", values("x"))
    with django_assert_num_queries(4):  # token, limit, grants, their credentials
        assert len(vendor.get("/grants?limit=5").json()["items"]) == 5
    with django_assert_num_queries(4):
        assert len(vendor.get("/grants?limit=1").json()["items"]) == 1


@pytest.mark.parametrize(
    ("query", "found"), [("external_id=customer-1", 1), ("integration_id=int_abc123", 1), ("external_id=nobody", 0)]
)
def test_the_list_is_filtered(vendor, door, query, found):
    vendor.put(PLACE, values("first-key"))
    assert len(vendor.get(f"/grants?{query}").json()["items"]) == found
    assert Grant.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_calls_that_meet_at_one_grant_all_get_an_answer(client):
    make_door(client)
    vendor = Vendor(client)
    tag = vendor.put(PLACE, values("value-0"))["ETag"]

    def call(number):
        if number % 3 == 0:
            return vendor.again().put(PLACE, values(f"value-{number}"), If_Match=tag)
        if number % 3 == 1:
            return vendor.again().put(PLACE, values(f"value-{number}"))
        return vendor.again().delete(PLACE)

    answers = at_once(call, 9)
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 404, 409, 412}


def test_who_forgot_the_platform_is_told_which_was_meant_and_nothing_of_others(vendor, door):
    other = make_platform("crm", secret="another-signing-secret-for-tests")
    Integration.objects.create(
        platform=other, integration_id="int_crm", policy=door.integration.policy, response_shape={}
    )
    vendor.put("/end-users/customer-2?platform=mindcloud", {"end_user_id": "enduser_2"})
    told = refused(vendor.put("/end-users/customer-2/grants/int_crm"), 404, "not_found")["detail"]
    assert told == "Platform mindcloud, the default one, has no such integration."


def test_a_value_that_has_leaked_is_refused_for_every_customer(vendor, door):
    leaked = vendor.put(PLACE, values("the-customers-key")).json()["credential"]["id"]
    vendor.post(f"/credentials/{leaked}/revoke", {"reason": "in a public repository", "leaked": True})
    vendor.put("/end-users/customer-2", {"end_user_id": "enduser_2"})
    for place in (PLACE, "/end-users/customer-2/grants/int_abc123"):
        problem = refused(vendor.put(place, values("the-customers-key")), 400, "invalid_request", "/values/apiKey")
        assert problem["errors"][0]["message"].startswith("apiKey: this value was reported as leaked on 20")
        assert "the-customers-key" not in str(problem)
    order = {"policy": leaked_policy(), **values("the-customers-key")}
    refused(vendor.post("/credentials", order), 400, "invalid_request", "/values/apiKey")
    assert door.post().status_code == 404
    assert vendor.put(PLACE, values("a-new-key-of-the-customer")).status_code in (200, 201)


def leaked_policy():
    return Credential.objects.select_related("policy").get().policy.name


@pytest.fixture
def same_key(vendor, door):
    """A retiring version and an active one: the key stayed, and the secret was replaced. Returns their ids."""
    door.integration.policy.options = {"names": ["apiKey", "secret"]}
    door.integration.policy.save()
    return [vendor.put(PLACE, two("the-key-that-leaked", secret)).json()["credential"]["id"] for secret in "ab"]


def two(key, secret):
    return {"values": {"apiKey": key, "secret": f"a-secret-called-{secret}"}}


@pytest.mark.parametrize("way", ["put", "rotate", "revoke"])
def test_a_leaked_key_is_not_handed_out_again_by_the_version_before(vendor, door, same_key, way):
    old, new = same_key
    clean = two("another-key-entirely", "c")
    if way == "put":
        vendor.put(PLACE, clean | {"overlap_seconds": 0})
    elif way == "rotate":
        vendor.post(f"/credentials/{new}/rotate", clean | {"leaked": True})
    else:
        vendor.post(f"/credentials/{new}/revoke", {"reason": "in a log", "leaked": True})
    assert vendor.get(f"/credentials/{old}").json()["state"] == "revoked"
    for last in Credential.objects.filter(state="active"):
        assert door.post().json() == {"apiKey": "another-key-entirely"}
        vendor.post(f"/credentials/{last.pk}/revoke", {"reason": "the customer has left"})
    assert door.post().status_code == 404


def test_what_may_still_work_names_the_version_that_has_values_of_it(vendor, door, same_key):
    old, new = same_key
    ended = vendor.post(f"/credentials/{old}/revoke", {"reason": "no longer needed"}).json()
    assert (ended["outside"], ended["shared_with"]) == ("open", new)
    listed = {row["id"]: row["shared_with"] for row in vendor.get("/credentials").json()["items"]}
    assert listed == {old: new, new: None}
    assert vendor.get(f"/credentials/{old}").json()["shared_with"] == new


def test_one_that_is_read_by_itself_names_also_one_of_another_line(vendor, door, same_key):
    """Only a token that may read every credential is told of another customer's."""
    _, new = same_key
    order = {"policy": door.integration.policy.name, **two("the-key-that-leaked", "d")}
    holder = vendor.post("/credentials", order).json()["id"]
    vendor.post(f"/credentials/{new}/revoke", {"reason": "the customer has left", "predecessors": True})
    writer = Vendor(vendor.client, scopes=["credentials:write"], name="writer")
    again, blind = (each.post(f"/credentials/{new}/revoke", {"reason": "it has left"}) for each in (vendor, writer))
    read = vendor.get(f"/credentials/{new}")
    assert [answer.json()["shared_with"] for answer in (again, blind, read)] == [holder, None, holder]
    assert read["ETag"] == again["ETag"] == blind["ETag"]
    assert [row["id"] for row in vendor.all_pages("/credentials?outside=open")] == [new, same_key[0]]
    assert vendor.all_pages("/credentials?outside=leaked") == []
    ended = {"reason": "deleted in our product", "ended_outside": True}
    confirmed = vendor.post(f"/credentials/{new}/revoke", ended).json()
    assert (confirmed["outside"], confirmed["shared_with"]) == ("confirmed", holder)
    vendor.post(f"/credentials/{holder}/revoke", {"reason": "it has left, too"})
    assert vendor.get(f"/credentials/{new}").json()["shared_with"] is None
