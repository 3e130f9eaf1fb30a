"""Credentials by the vendor API: made, set, rotated, revoked, revealed."""

import pytest

from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import set_suspended
from credservice.credentials.tasks import note_leak_elsewhere
from tests.credentials.remote import UNAVAILABLE
from tests.support.exchange_factories import make_policy
from tests.vendor_api.client import Vendor, refused

VALUE = "value-that-only-a-reveal-may-show"


@pytest.fixture
def entered(db):
    return make_policy()


@pytest.fixture
def stored(vendor, entered):
    """A credential whose values were entered, as it is shown."""
    return vendor.post("/credentials", {"policy": "entered", "values": {"apiKey": VALUE}}).json()


def test_it_makes_a_credential_that_introspection_knows(vendor, policy):
    answer = vendor.post("/credentials", {"policy": "keys", "context": {"external_id": "customer-1"}})
    assert (answer.status_code, answer.json()["state"]) == (201, "active")
    assert answer["Location"] == f"/api/v1/credentials/{answer.json()['id']}"
    revealed = vendor.post(f"/credentials/{answer.json()['id']}/reveal", {"reason": "shown to the customer"})
    checked = vendor.post("/introspect", {"token": revealed.json()["values"]["API_KEY"]}).json()
    assert (checked["active"], checked["sub"]) == (True, "customer-1")


def test_no_answer_but_a_reveal_holds_a_value(vendor, stored):
    answers = [vendor.get("/credentials"), vendor.get(f"/credentials/{stored['id']}")]
    answers.append(vendor.post(f"/credentials/{stored['id']}/rotate", {"values": {"apiKey": VALUE + "2"}}))
    assert all(answer.status_code in (200, 201) and VALUE.encode() not in answer.content for answer in answers)


def test_a_reveal_is_recorded_with_its_reason_and_never_stored(vendor, stored, trail):
    answer = vendor.post(f"/credentials/{stored['id']}/reveal", {"reason": "shown to the customer"})
    assert (answer.json(), answer["Cache-Control"]) == ({"values": {"apiKey": VALUE}}, "no-store")
    event = trail.one(action="credential.revealed")
    assert (event.actor, event.detail["why"]) == ("token:backend", "shown to the customer")


def test_a_reveal_needs_a_scope_of_its_own(stored, vendor):
    writer = Vendor(vendor.client, scopes=["credentials:read", "credentials:write"], name="writer")
    refused(writer.post(f"/credentials/{stored['id']}/reveal", {"reason": "curious"}), 403, "missing_scope")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x"}, {"reason": 7}])
def test_a_reveal_needs_a_reason(vendor, stored, body):
    refused(vendor.post(f"/credentials/{stored['id']}/reveal", body), 400, "invalid_request", "/reason")


def test_it_is_made_for_an_end_user_and_suspended_with_it(vendor, door, policy):
    vendor.post("/end-users/customer-1/suspend")
    made = vendor.post("/credentials", {"policy": "keys", "subject": door.end_user.subject}).json()
    assert (made["suspended"], made["context"]["external_id"]) == (True, "customer-1")
    vendor.post("/end-users/customer-1/resume")
    assert vendor.get(f"/credentials/{made['id']}").json()["suspended"] is False


@pytest.mark.parametrize("subject", ["end_user:nobody", "customer-1", "end_user:", "robot:1"])
def test_an_unknown_subject_is_refused(vendor, policy, subject):
    refused(vendor.post("/credentials", {"policy": "keys", "subject": subject}), 400, "invalid_request")
    assert not Credential.objects.exists()


def test_an_unknown_policy_is_refused(vendor, db):
    refused(vendor.post("/credentials", {"policy": "nothing"}), 400, "invalid_request", "/policy")


@pytest.mark.parametrize("body", [{}, {"values": {"other": "x"}}, {"values": {}}, {"values": {"apiKey": ""}}])
def test_values_must_fit_the_policy(vendor, entered, body):
    refused(vendor.post("/credentials", {"policy": "entered"} | body), 400, "invalid_request")


def test_setting_the_same_values_changes_nothing(vendor, stored):
    answer = vendor.put(f"/credentials/{stored['id']}/values", {"values": {"apiKey": VALUE}})
    assert (answer.status_code, answer.json()["id"]) == (200, stored["id"])


def test_setting_other_values_makes_the_successor(vendor, stored):
    answer = vendor.put(f"/credentials/{stored['id']}/values", {"values": {"apiKey": VALUE + "2"}})
    assert (answer.status_code, answer.json()["predecessor"]) == (201, stored["id"])
    again = vendor.put(f"/credentials/{stored['id']}/values", {"values": {"apiKey": VALUE + "2"}})
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    other = vendor.put(f"/credentials/{stored['id']}/values", {"values": {"apiKey": "x"}})
    refused(other, 409, "conflict")


def test_it_sets_no_values_of_a_policy_that_makes_them(vendor, credential):
    refused(vendor.put(f"/credentials/{credential.pk}/values", {"values": {"a": "b"}}), 400, "invalid_request")


def test_a_rotation_leaves_the_predecessor_its_overlap(vendor, credential):
    successor = vendor.post(f"/credentials/{credential.pk}/rotate").json()
    assert (successor["state"], successor["line"]) == ("active", str(credential.line))
    assert vendor.get(f"/credentials/{credential.pk}").json()["state"] == "retiring"


def test_a_leaked_one_ends_at_once(vendor, credential):
    vendor.post(f"/credentials/{credential.pk}/rotate", {"leaked": True})
    assert vendor.get(f"/credentials/{credential.pk}").json()["state"] == "revoked"


def test_why_it_is_rotated_stays_in_the_trail(vendor, credential):
    path = f"/credentials/{credential.pk}/rotate"
    refused(vendor.post(path, {"reason": "ab"}), 400, "invalid_request", "/reason")
    held = credential.open()["API_KEY"]
    refused(vendor.post(path, {"reason": f"found {held}"}), 400, "invalid_request", "/reason")
    assert vendor.post(path, {"leaked": True, "reason": "found in a log"}).status_code == 201
    line = AuditEvent.objects.get(action="credential.rotation_started")
    assert (line.detail["why"], line.object_id) == ("found in a log", str(credential.pk))


def test_an_entered_one_is_rotated_with_its_new_values(vendor, stored):
    path = f"/credentials/{stored['id']}/rotate"
    problem = refused(vendor.post(path, {"leaked": True}), 400, "invalid_request", "/values")
    assert "apiKey" in problem["detail"]
    assert vendor.post(path, {"leaked": True, "values": {"apiKey": "new"}}).status_code == 201
    assert vendor.get(f"/credentials/{stored['id']}").json()["state"] == "revoked"


def test_a_leaked_one_has_no_overlap(vendor, credential):
    body = {"leaked": True, "overlap_seconds": 60}
    refused(vendor.post(f"/credentials/{credential.pk}/rotate", body), 400, "invalid_request", "/overlap_seconds")


def test_only_an_active_one_is_rotated(vendor, credential):
    vendor.post(f"/credentials/{credential.pk}/rotate")
    refused(vendor.post(f"/credentials/{credential.pk}/rotate"), 409, "conflict")


def test_a_revocation_may_be_repeated(vendor, credential):
    for _ in range(2):
        answer = vendor.post(f"/credentials/{credential.pk}/revoke", {"reason": "the customer left"})
        assert (answer.status_code, answer.json()["state"]) == (200, "revoked")


def test_an_issuer_that_is_away_is_answered_with_202_and_asked_later(vendor, remote):
    remote.answer = UNAVAILABLE
    answer = vendor.post("/credentials", {"policy": "remote"}, Idempotency_Key="order-1")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    remote.answer = None
    again = vendor.post("/credentials", {"policy": "remote"}, Idempotency_Key="order-1")
    assert (again.status_code, again.json()["id"]) == (202, answer.json()["id"])
    assert Credential.objects.count() == 1


def test_an_issuer_elsewhere_is_called_before_the_answer(vendor, remote):
    answer = vendor.post("/credentials", {"policy": "remote"})
    assert (answer.status_code, answer.json()["state"]) == (201, "active")


def test_a_pending_rotation_is_in_the_way_unless_forced(vendor, remote):
    made = vendor.post("/credentials", {"policy": "remote"}).json()["id"]
    remote.answer = UNAVAILABLE
    assert vendor.post(f"/credentials/{made}/rotate").status_code == 202
    refused(vendor.post(f"/credentials/{made}/rotate"), 409, "conflict")
    assert vendor.post(f"/credentials/{made}/rotate", {"force_reason": "it hangs"}).status_code == 202


@pytest.mark.parametrize("name", ["x", "0dc1a1c0-0000-4000-8000-000000000000", "%00"])
def test_an_unknown_one_is_not_found(vendor, name):
    refused(vendor.get(f"/credentials/{name}"), 404, "not_found")
    refused(vendor.post(f"/credentials/{name}/revoke", {"reason": "test"}), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "found"),
    [("state=active", 1), ("state=revoked", 0), ("policy=keys", 1), ("subject=end_user:7", 1), ("subject=x", 0)],
)
def test_the_list_is_filtered(vendor, credential, query, found):
    assert len(vendor.get(f"/credentials?{query}").json()["items"]) == found


def test_a_use_does_not_change_the_tag(vendor, credential):
    tag = vendor.get(f"/credentials/{credential.pk}")["ETag"]
    Credential.objects.update(last_used_at=credential.created_at)
    assert vendor.get(f"/credentials/{credential.pk}")["ETag"] == tag
    set_suspended(subject=credential.subject, suspended=True)
    assert vendor.get(f"/credentials/{credential.pk}")["ETag"] != tag


def test_a_policy_whose_issuer_is_gone_is_still_listed(vendor, credential):
    CredentialPolicy.objects.update(issuer="forgotten")
    assert vendor.get("/policies").json()["items"][0]["value_names"] == []


def test_the_values_of_a_leaked_one_are_erased_at_once(vendor, stored):
    path = f"/credentials/{stored['id']}"
    vendor.post(f"{path}/revoke", {"reason": "found in a log", "leaked": True})
    answer = refused(vendor.post(f"{path}/reveal", {"reason": "to look at it"}), 409, "conflict")
    assert "were erased after its end" in str(answer)


def test_those_of_one_that_was_rotated_as_leaked_too(vendor, credential):
    vendor.post(f"/credentials/{credential.pk}/rotate", {"leaked": True})
    assert Credential.objects.get(pk=credential.pk).is_erased()


def test_one_that_has_leaked_and_goes_on_is_told_and_listed(vendor, entered):
    """One that leaked with another is handed out until somebody rotates it: the backend has to find it."""
    entered.options = {"names": ["user", "password"]}
    entered.save()
    values = {"user": "acme", "password": VALUE}
    old = vendor.post("/credentials", {"policy": "entered", "values": values}).json()
    new = vendor.put(f"/credentials/{old['id']}/values", {"values": values | {"user": "acme2"}})
    tag = vendor.get(f"/credentials/{new.json()['id']}")["ETag"]
    assert (old["leaked_at"], vendor.all_pages("/credentials?leaked=true")) == (None, [])
    ended = vendor.post(f"/credentials/{old['id']}/revoke", {"reason": "found in a log", "leaked": True}).json()
    found = vendor.get(f"/credentials/{new.json()['id']}")
    assert (found.json()["state"], found["ETag"] == tag) == ("active", False)
    assert None not in (ended["leaked_at"], found.json()["leaked_at"])
    assert {each["id"] for each in vendor.all_pages("/credentials?leaked=true")} == {old["id"], found.json()["id"]}
    assert [each["id"] for each in vendor.all_pages("/credentials?leaked=true&state=active")] == [found.json()["id"]]
    assert vendor.all_pages("/credentials?leaked=false") == []
    another = {"leaked": True, "values": {"user": "acme", "password": VALUE + "2"}}
    replaced = vendor.post(f"/credentials/{new.json()['id']}/rotate", another)
    assert [each["id"] for each in vendor.all_pages("/credentials?leaked=false")] == [replaced.json()["id"]]
    assert vendor.all_pages("/credentials?leaked=true&state=active") == []


def test_one_that_leaked_elsewhere_and_retires_is_listed_by_its_state(vendor, entered):
    """It is all that its line hands out."""
    leaking, holder = (
        vendor.post("/credentials", {"policy": "entered", "values": {"apiKey": VALUE}}).json() for _ in "ab"
    )
    later = vendor.put(f"/credentials/{holder['id']}/values", {"values": {"apiKey": "another-key-entirely"}}).json()
    vendor.post(f"/credentials/{later['id']}/revoke", {"reason": "it was wrong"})
    vendor.post(f"/credentials/{leaking['id']}/revoke", {"reason": "in a log", "leaked": True})
    note_leak_elsewhere(leaking["id"])
    assert [each["id"] for each in vendor.all_pages("/credentials?leaked=true&state=retiring")] == [holder["id"]]


def test_who_lacks_a_value_that_its_policy_got_is_listed(vendor, stored):
    """The backend that has to send the new value asks for whom, and is done when nobody is left."""
    assert vendor.all_pages("/credentials?lacks_value=true") == []
    answer = vendor.put("/policies/entered", {"options": {"names": ["apiKey", "tenant"]}})
    assert answer.status_code == 200
    complete = vendor.post("/credentials", {"policy": "entered", "values": {"apiKey": VALUE + "2", "tenant": "b"}})
    assert [each["id"] for each in vendor.all_pages("/credentials?lacks_value=true")] == [stored["id"]]
    listed = {each["id"] for each in vendor.all_pages("/credentials?policy=entered&lacks_value=false")}
    assert listed == {stored["id"], complete.json()["id"]}
    vendor.put(f"/credentials/{stored['id']}/values", {"values": {"apiKey": VALUE + "3", "tenant": "a"}})
    assert vendor.all_pages("/credentials?lacks_value=true") == []
    refused(vendor.get("/credentials?lacks_value=soon"), 400, "invalid_request", "?lacks_value")
