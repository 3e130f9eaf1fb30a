"""A PUT that changes what customers are answered today is done only where that is accepted."""

import re

import pytest
from django.db import connection
from django.db.models.signals import post_save

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.vendor_api.models import Scope
from exchange.models import EndUser, Grant, Installation, Integration
from exchange.services.grants import grant_credential
from tests.support.exchange_factories import VALUE, make_policy
from tests.vendor_api.client import Vendor, refused

PATH = "/integrations/int_abc123"
ACCEPTED = "accept_changed_answers=true"
WIDER = {"response_shape": {"apiKey": "$credential.apiKey", "region": "$end_user.region"}}
KEYS = {"issuer": "api_key", "options": {"name": "apiKey"}}
CODE = "answers_would_change"
MORE = "There are more installations: only the newest 500 were looked at."


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
    line = trail.one(action="integration.changed")
    assert line.actor == "token:backend"
    assert line.detail["accepted_changed_answers"] == {"different": 0, "unanswered": 6, "not_all_looked_at": 0}
    assert vendor.put(PATH, WIDER).status_code == 200
    answered.end_user.refresh_from_db()
    assert vendor.put(PATH, {"response_shape": {"apiKey": "$credential.apiKey"}}).status_code == 200


def test_what_changes_no_answer_is_not_asked_about(vendor, answered):
    assert vendor.put(PATH, {"name": "Acme", "response_shape": shape()}).status_code == 200
    new = {"policy": "entered", "response_shape": {"token": "$credential.apiKey"}}
    assert vendor.put("/integrations/int_new", new).status_code == 201
    assert vendor.put("/policies/entered", {"options": {"names": ["apiKey"]}}).status_code == 200
    assert vendor.put(f"/policies/new?{ACCEPTED}", KEYS).status_code == 201


def test_who_enters_values_is_told_of_their_other_names(vendor, answered):
    wider = {"options": {"names": ["apiKey", "tenant"]}}
    detail = refused(vendor.put("/policies/entered", wider), 409, CODE)["detail"]
    assert "From now on, apiKey and tenant have to be entered for each customer" in detail
    assert vendor.put(f"/policies/entered?{ACCEPTED}", wider).status_code == 200


SWITCHED = (
    "The next credentials of 6 installations (rotations of the present ones too) are made with another audience. The "
    "present ones stay as they are until each is replaced, the last in 1 hour: at "
)
GENERATED = (
    "The next credentials of 6 installations (rotations of the present ones too) are made by the issuer api_key, and "
    "no longer entered. The present ones stay as they are until each is rotated, 1 of them by hand. Whatever checks "
    "the values has to know those that the issuer makes. A backend that sends apiKey by the vendor API is refused."
)
SHORT = (
    "The next credentials of 6 installations end 1 minute after they are entered. Entered values have no successor "
    "until somebody enters one. Their customers get no answer until then. The present ones keep their end."
)
ENTERED = (
    "From now on, apiKey has to be entered for each customer, for nothing makes it. A backend that sends none by the "
    "vendor API is refused until it sends these. 1 credential still renews by the policy old."
)
TOKEN = {"issuer": "jwt", "options": {"audience": "a.example", "name": "apiKey"}}
STATIC = {"issuer": "static", "options": {"names": ["apiKey"]}}


@pytest.mark.parametrize(
    ("old", "new", "told", "counts"),
    [
        (STATIC, STATIC | {"lifetime_seconds": 60, "overlap_seconds": 10}, SHORT, {"end_unrenewed": 6}),
        (TOKEN, TOKEN | {"options": {"audience": "b.example", "name": "apiKey"}}, SWITCHED, {"made_otherwise": 6}),
        (STATIC, KEYS, GENERATED, {"made_otherwise": 6, "entered_otherwise": 6}),
        (TOKEN, STATIC, ENTERED, {"entered_otherwise": 6}),
    ],
)
def test_another_policy_is_judged_as_a_changed_one(vendor, answered, trail, old, new, told, counts):
    for name, body in (("old", old), ("new", new)):
        vendor.put(f"/policies/{name}", body)
    values = {"apiKey": VALUE} if old is STATIC else None
    Grant.objects.all().delete()
    answered.integration.policy = CredentialPolicy.objects.get(name="old")
    answered.integration.save()
    grant_credential(
        integration=answered.integration, end_user=answered.end_user, installation=None, entered=values, actor="test"
    )
    detail = refused(vendor.put(PATH, {"policy": "new"}), 409, CODE)["detail"]
    assert re.sub(r"[-0-9]{10} [0-9:]{5} UTC\.", "", detail) == told
    assert Integration.objects.get(integration_id="int_abc123").policy.name == "old"
    assert vendor.put(f"{PATH}?{ACCEPTED}", {"policy": "new"}).json()["policy"] == "new"
    accepted = trail.one(action="integration.changed").detail["accepted_changed_answers"]
    assert accepted == {"different": 0, "unanswered": 0, "not_all_looked_at": 0} | counts
    assert vendor.put(PATH, {"policy": "new", "name": "Acme"}).status_code == 200


def test_other_names_do_not_hide_an_end(vendor, answered):
    short = {"options": {"names": ["apiKey", "tenant"]}, "lifetime_seconds": 60, "overlap_seconds": 10}
    vendor.put("/policies/new", STATIC | short)
    detail = refused(vendor.put(PATH, {"policy": "new"}), 409, CODE)["detail"]
    assert "end 1 minute after they are entered." in detail
    assert "From now on, apiKey and tenant have to be entered for each customer" in detail


def test_another_policy_is_not_asked_about_where_nothing_is_live_or_it_makes_the_same(vendor, answered):
    vendor.put("/policies/same", STATIC)
    vendor.put("/policies/short", STATIC | {"lifetime_seconds": 60, "overlap_seconds": 10})
    assert vendor.put(PATH, {"policy": "same"}).status_code == 200
    refused(vendor.put(PATH, {"policy": "short"}), 409, CODE)
    Installation.objects.update(state="suspended")
    refused(vendor.put(PATH, {"policy": "short"}), 409, CODE)  # of the customer's grant
    Grant.objects.all().delete()
    assert vendor.put(PATH, {"policy": "short"}).status_code == 200


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
    refused(vendor.put(f"/marketplaces/acme?{ACCEPTED}", {}), 400, "invalid_request", "?accept_changed_answers")


def test_a_policy_whose_issuer_changes_is_refused_for_what_uses_it(vendor, door):
    vendor.put("/policies/generated", KEYS)
    vendor.put(f"{PATH}?{ACCEPTED}", {"policy": "generated"})
    entered = {"issuer": "static", "options": {"names": ["apiKey"]}}
    detail = refused(vendor.put("/policies/generated", entered), 409, CODE)["detail"]
    assert detail == (
        "From now on, apiKey has to be entered for each customer, for nothing makes it. A backend that sends none by "
        "the vendor API is refused until it sends these. It is used by integration int_abc123. Integration int_abc123 "
        "of mindcloud uses it: 1 installation would get no answer: install_xyz789 (its values would have to be "
        "entered)."
    )
    assert vendor.put(f"/policies/generated?{ACCEPTED}", entered).json()["issuer"] == "static"


def more(door, number, **values):
    """Make newer installations."""
    values = {"end_user": door.end_user, "integration": door.integration} | values
    name = f"{values['integration'].integration_id}-{Installation.objects.count()}"
    Installation.objects.bulk_create(
        Installation(platform=door.platform, installation_id=f"{name}-{at}", **values) for at in range(number)
    )


@pytest.mark.parametrize(("state", "active"), [("pending", True), ("suspended", True), ("active", False)])
def test_what_is_refused_today_hides_no_others(vendor, door, granted, state, active):
    other = EndUser.objects.create(
        platform=door.platform, end_user_id="other", attributes={"region": "eu"}, is_active=active
    )
    more(door, 501, end_user=other, state=state)
    detail = refused(vendor.put(PATH, WIDER), 409, CODE)["detail"]
    assert detail == "1 installation would get no answer: install_xyz789 (the customer has no attribute region)."


def test_an_integration_that_is_suspended_first_is_asked_about_all_the_same(vendor, answered):
    assert vendor.put(PATH, {"state": "suspended"}).status_code == 200
    refused(vendor.put(PATH, WIDER), 409, CODE)
    refused(vendor.put(PATH, WIDER | {"state": "active"}), 409, CODE)


def test_where_there_are_more_than_were_looked_at_it_is_to_be_accepted(vendor, door, granted):
    other = EndUser.objects.create(platform=door.platform, end_user_id="other")
    more(door, 500, end_user=other)  # they get no answer today: nothing was granted
    detail = refused(vendor.put(PATH, WIDER), 409, CODE)["detail"]
    assert detail == MORE
    detail = refused(vendor.put("/policies/entered", {"options": {"names": ["apiKey", "b"]}}), 409, CODE)["detail"]
    assert detail.startswith("From now on, apiKey and b have to be entered")
    assert detail.endswith(
        f" It is used by integration int_abc123. Integration int_abc123 of mindcloud uses it: {MORE}"
    )
    assert vendor.put("/policies/entered", {"multiple": True}).status_code == 200
    assert vendor.put(PATH, {"name": "Acme", "response_shape": shape()}).status_code == 200
    assert vendor.put(f"{PATH}?{ACCEPTED}", WIDER).status_code == 200


def test_one_change_looks_at_few_installations_however_many_integrations_it_has(vendor, door, monkeypatch):
    monkeypatch.setattr("exchange.services.answer_impact.MAX_LOOKED_AT", 3)
    door.generate()
    for number in range(21):
        other = Integration.objects.create(
            platform=door.platform,
            integration_id=f"int_b{number:02}",
            policy=door.integration.policy,
            response_shape=shape(),
        )
        more(door, 2, integration=other)
    entered = {"issuer": "static", "options": {"names": ["apiKey"]}}
    detail = refused(vendor.put("/policies/generated", entered), 409, CODE)["detail"]
    assert detail.count("uses it") == 20
    assert "int_b00 of mindcloud uses it: 2 installations would get no answer: int_b00-" in detail
    assert "int_b05 of mindcloud uses it: Its installations were not looked at: only the newest 3 of" in detail
    assert detail.endswith("2 more of its integrations would change answers.")


def test_each_credential_is_opened_once(vendor, answered, monkeypatch):
    opened = []
    original = Credential.open
    monkeypatch.setattr(Credential, "open", lambda self: opened.append(self.pk) or original(self))
    refused(vendor.put(PATH, {"response_shape": {"token": "$credential.apiKey"}}), 409, CODE)
    assert len(opened) == 1


def test_who_may_not_read_installations_is_told_how_many_alone(answered, vendor):
    blind = Vendor(answered.client, scopes=[Scope.WRITE_SETUP, Scope.WRITE_TRUST], name="blind")
    assert refused(blind.put(PATH, WIDER), 409, CODE)["detail"] == "6 installations would get no answer."
    detail = refused(blind.put(PATH, {"response_shape": {"apiKey": VALUE}}), 409, CODE)["detail"]
    assert detail == "6 installations would be answered differently. `apiKey` is now a fixed text."


def test_a_new_one_is_asked_for_and_another_made_it_meanwhile(vendor, door):
    """The console takes no lock of ours: it writes after we have looked."""
    made = []

    def meanwhile(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if not made and "FOR NO KEY UPDATE" in sql and "credentialpolicy" in sql:
            made.append(sql)
            make_policy(name="fresh")
        return result

    wider = {"issuer": "static", "options": {"names": ["taken_over"]}}
    with connection.execute_wrapper(meanwhile):
        refused(vendor.put("/policies/fresh", wider, If_None_Match="*"), 412, "precondition_failed")
    assert made
    assert not CredentialPolicy.objects.filter(options={"names": ["taken_over"]}).exists()


def test_an_integration_that_is_given_another_policy_meanwhile_is_a_conflict(vendor, door):
    door.generate()
    other = make_policy(name="other", options={"names": ["apiKey"]})

    def meanwhile(**_):
        Integration.objects.update(policy=other)

    post_save.connect(meanwhile, sender=CredentialPolicy)
    try:
        answer = vendor.put("/policies/generated", {"issuer": "static", "options": {"names": ["apiKey"]}})
    finally:
        post_save.disconnect(meanwhile, sender=CredentialPolicy)
    detail = refused(answer, 409, "conflict")["detail"]
    assert detail == "Somebody else gave integration int_abc123 another policy. Send this again."
