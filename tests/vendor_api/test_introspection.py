"""RFC 7662: the vendor's product asks whether a presented key is good."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.credentials import key_lookup, services
from credservice.credentials.models import Credential
from credservice.credentials.services import start_issue


@pytest.fixture
def ask(client, token):
    def ask(key: str, **headers: str):
        headers = {"HTTP_AUTHORIZATION": f"Bearer {token}"} | headers
        body = f"token={key}"
        return client.post("/api/v1/introspect", body, content_type="application/x-www-form-urlencoded", **headers)

    return ask


def test_it_tells_whose_a_good_key_is(ask, credential):
    answer = ask(credential.open()["API_KEY"]).json()
    assert answer["active"] is True
    assert (answer["sub"], answer["plan"], answer["credential"]) == ("customer-7", "small", str(credential.pk))


def test_it_takes_json_as_well(client, token, credential):
    body = {"token": credential.open()["API_KEY"]}
    answer = client.post("/api/v1/introspect", body, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.json()["active"] is True


def test_it_tells_nothing_of_an_unknown_key(ask):
    assert ask("sk_live_unknown").json() == {"active": False}


def test_it_tells_nothing_of_a_revoked_key(ask, credential):
    services.revoke(credential=credential, actor="test", reason="test")
    assert ask(credential.open()["API_KEY"]).json() == {"active": False}


def test_it_tells_nothing_of_an_expired_key(ask, credential):
    Credential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ask(credential.open()["API_KEY"]).json() == {"active": False}


def test_it_accepts_a_predecessor_during_the_overlap(ask, credential):
    services.rotate(credential=credential, actor="test", overlap=timedelta(hours=1))
    assert ask(credential.open()["API_KEY"]).json()["active"] is True


def test_it_refuses_the_predecessor_of_a_leaked_key(ask, credential):
    services.rotate(credential=credential, actor="test", overlap=timedelta(0))
    assert ask(credential.open()["API_KEY"]).json() == {"active": False}


def test_it_refuses_the_keys_of_a_suspended_subject_and_accepts_them_again(ask, credential):
    services.set_suspended(subject=credential.subject, suspended=True)
    assert ask(credential.open()["API_KEY"]).json() == {"active": False}
    services.set_suspended(subject=credential.subject, suspended=False)
    assert ask(credential.open()["API_KEY"]).json()["active"] is True


def test_a_miss_costs_the_same_queries_as_a_hit(ask, credential, django_assert_num_queries):
    ask("warm")
    with django_assert_num_queries(3):  # token, limit, look-up
        ask(credential.open()["API_KEY"])
    with django_assert_num_queries(3):
        ask("sk_live_unknown")


def test_the_last_use_is_written_off_the_request_path(ask, credential):
    ask(credential.open()["API_KEY"])
    key_lookup.last_uses.flush()
    credential.refresh_from_db()
    assert credential.last_used_at is not None


def test_it_asks_for_a_token_in_the_body(ask):
    answer = ask("")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"pointer": "/token", "message": "Send a text that is not empty."}]


def test_a_form_over_64_kib_is_not_read(ask):
    response = ask("x" * 70_000)
    assert (response.status_code, response["Content-Type"]) == (413, "application/problem+json")


def test_a_fact_of_what_it_is_for_does_not_stand_in_for_the_answers_own(ask, policy):
    facts = {"active": False, "sub": "somebody-else", "policy": "other", "exp": 4102444800, "external_id": "acme"}
    key = start_issue(policy=policy, context=facts, subject="", actor="test").open()["API_KEY"]
    answer = ask(key).json()
    assert (answer["active"], answer["sub"], answer["policy"]) == (True, "acme", "keys")
    assert "exp" not in answer
