"""Service tokens: who may call the vendor API."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from credservice.vendor_api.admin import grouped_scopes
from credservice.vendor_api.models import Scope, ServiceToken
from credservice.vendor_api.tokens import create_token, last_uses, revoke_token


@pytest.fixture
def call(client):
    def call(token: str | None, **extra: str):
        headers = {} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}
        return client.post("/api/v1/introspect", {"token": "x"}, "application/json", **headers | extra)

    return call


def test_it_refuses_a_call_without_a_token(call, db, trail):
    answer = call(None)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="credservice"')
    assert trail.one(action="vendor_api.call").reason == "no_token"


def test_every_bad_token_gets_the_same_answer(call, token):
    revoked, text = create_token(name="revoked", scopes=[Scope.INTROSPECT], actor="test")
    revoke_token(token=revoked, actor="test")
    elsewhere = create_token(name="elsewhere", scopes=[Scope.INTROSPECT], actor="test", networks=["203.0.113.0/24"])[1]
    old = create_token(
        name="old", scopes=[Scope.INTROSPECT], actor="test", expires_at=timezone.now() - timedelta(seconds=1)
    )[1]
    answers = [call(bad) for bad in ("nonsense", text, elsewhere, old, token + "x")]
    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert all(body == bodies[0] for body in bodies)


def test_it_refuses_a_token_without_the_scope(call, db):
    narrow = create_token(name="narrow", scopes=[Scope.REPORT_LEAKS], actor="test")[1]
    answer = call(narrow)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:credservice:problem:missing_scope")


def test_it_limits_each_token(call, token):
    ServiceToken.objects.update(requests_per_minute=2)
    assert [call(token).status_code for _ in range(3)] == [200, 200, 429]
    assert int(call(token)["Retry-After"]) >= 1


def test_only_a_digest_of_the_token_is_kept(token):
    row = ServiceToken.objects.values().get()
    assert token not in str(row)
    assert token[:-4] not in str(row)


def test_a_token_needs_a_known_scope(db):
    with pytest.raises(Invalid, match="Unknown scope"):
        create_token(name="x", scopes=["everything"], actor="test")


def test_a_name_is_used_once(token):
    with pytest.raises(Conflict, match="exists already"):
        create_token(name="product", scopes=[Scope.INTROSPECT], actor="test")


def test_a_revoked_tokens_name_may_be_used_again(call, db):
    for _ in range(3):
        text = create_token(name="again", scopes=[Scope.INTROSPECT], actor="test")[1]
        assert call(text).status_code == 200
        call_command("revoke_token", "again")
        assert call(text).status_code == 401
    assert ServiceToken.objects.filter(name="again", revoked_at__isnull=False).count() == 3


def test_an_unknown_route_is_a_problem_document(client, db):
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_its_last_use_is_written_off_the_request_path(call, token):
    call(token)
    assert ServiceToken.objects.get().last_used_at is None
    last_uses.flush()
    first = ServiceToken.objects.get().last_used_at
    call(token)
    last_uses.flush()
    assert ServiceToken.objects.get().last_used_at == first  # within the same minute


def test_a_network_may_be_an_address_of_either_version(call, db):
    home = create_token(name="home", scopes=[Scope.INTROSPECT], actor="test", networks=["::1", "127.0.0.1"])[1]
    assert call(home).status_code == 200


@pytest.mark.parametrize("name", ["", "backend ", "back\u200bend", "back\nend", "x" * 129])
def test_its_name_is_one_that_a_person_can_read(db, name):
    with pytest.raises(Invalid, match="The name of a token"):
        create_token(name=name, scopes=[Scope.INTROSPECT], actor="test")


def test_the_console_offers_each_scope_once() -> None:
    offered = [value for _, choices in grouped_scopes() for value, _ in choices]
    assert sorted(offered) == sorted(Scope)
