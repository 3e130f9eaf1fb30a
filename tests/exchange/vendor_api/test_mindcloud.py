"""POST /api/v1/end-users/{external_id}/mindcloud-token."""

from collections.abc import Sequence

import pytest

from credservice.credentials import bulkhead
from credservice.crypto import seal
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token
from exchange.models import EndUser, Platform, UnsettledEndUser
from tests.support.exchange_factories import make_platform
from tests.support.http_server import Answer
from tests.support.mindcloud_server import API_KEY, TOKEN, mindcloud_api

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/end-users/acme/mindcloud-token"


@pytest.fixture
def api(client):
    with mindcloud_api() as api:
        platform = make_platform(is_default=True, api_url=api.url)
        platform.sealed_api_key = seal(API_KEY.encode(), platform.api_key_place)
        platform.save()
        yield api


@pytest.fixture
def post(client, api):
    def post(body: object, path: str = PATH, scopes: Sequence[str] = (Scope.MINT_TOKENS, Scope.WRITE_END_USERS)):
        token = create_token(name=f"t{scopes}{len(api.calls('POST'))}{body}", scopes=list(scopes), actor="test")[1]
        return client.post(path, body, "application/json", HTTP_AUTHORIZATION=f"Bearer {token}")

    return post


def test_it_answers_a_token_and_the_ids(post, api):
    answer = post({"name": "Acme", "email": "ops@acme.example"})
    assert answer.json() == {
        "token": TOKEN,
        "external_id": "acme",
        "end_user_id": "enduser_1",
        "platform": "mindcloud",
    }
    assert answer["Cache-Control"] == "no-store"


def test_nobody_is_created_at_a_platform_that_nobody_named(post, api):
    make_platform("crm", secret="another-signing-secret-for-tests")
    answer = post({"name": "Acme"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "?platform")
    assert (api.calls("POST"), EndUser.objects.count()) == ([], 0)
    assert post({"name": "Acme Ltd"}, f"{PATH}?platform=mindcloud").status_code == 200
    assert post({}).status_code == 200  # it is known there


def test_it_needs_its_own_scope(post, api):
    assert post({}, scopes=[Scope.WRITE_END_USERS]).json()["type"] == "urn:credservice:problem:missing_scope"
    assert api.calls("POST") == []


def test_a_token_that_may_not_register_end_users_creates_none(post, api, trail):
    answer = post({"name": "Acme"}, scopes=[Scope.MINT_TOKENS])
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:credservice:problem:not_found")
    assert "end-users:write" in answer.json()["detail"]
    assert (api.calls("POST"), EndUser.objects.count(), UnsettledEndUser.objects.count()) == ([], 0, 0)
    assert trail.one(action="vendor_api.call").reason == "missing_scope"


def test_a_token_that_may_not_register_end_users_mints_for_one_that_is_known(post, api):
    post({})
    assert post({}, scopes=[Scope.MINT_TOKENS]).json()["token"] == TOKEN


def test_an_end_user_may_be_named_by_our_id(post, api):
    post({})
    path = f"/api/v1/end-users/{EndUser.objects.get().pk}/mindcloud-token"
    assert post({}, path).json()["external_id"] == "acme"
    assert len(api.users) == 1


def test_a_token_in_an_unknown_form_is_not_understood(post, api):
    post({})
    api.faults = [Answer(200, b'{"data": {"token": "x"}}')]
    answer = post({"name": "x"})
    assert (answer.status_code, answer.json()["title"]) == (502, "MindCloud not understood")


def test_a_creation_that_is_not_understood_says_so(post, api):
    api.faults = [Answer(200, b'{"success": true}')]
    assert "no answer came that could be understood" in post({}).json()["detail"]


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry"),
    [
        (Answer(429, b"", {"Retry-After": "9"}), 503, "mindcloud_unavailable", "9"),
        (Answer(422, b'{"message": "bad email"}'), 502, "mindcloud_refused", None),
        (Answer(500), 409, "creation_unsettled", None),
    ],
)
def test_what_goes_wrong_at_mindcloud_is_a_problem(post, api, fault, status, code, retry):
    api.faults = [fault]
    answer = post({})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:credservice:problem:{code}")
    assert answer.headers.get("Retry-After") == retry
    assert answer.json()["action"]


def test_a_token_that_does_not_come_is_unavailable_for_now(post, api):
    post({})
    api.faults = [Answer(503, b"", {"Retry-After": "60"})] * 3
    answer = post({"name": "x"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_a_platform_without_a_key_says_so(post, api):
    Platform.objects.update(api_url="")
    assert post({}).json()["type"] == "urn:credservice:problem:mindcloud_not_set_up"


@pytest.mark.parametrize("body", [{"email": "no address"}, {"unknown": 1}, {"name": 7}, []])
def test_bad_input_is_refused(post, api, body):
    assert post(body).status_code == 400
    assert api.calls("POST") == []


def test_an_id_that_is_too_long_is_not_found(post, api):
    assert post({}, f"/api/v1/end-users/{'x' * 300}/mindcloud-token").status_code == 404


def test_no_more_threads_wait_for_mindcloud_than_for_issuers(post, api):
    bulkhead.limit(1)
    try:
        with bulkhead.place():
            answer = post({})
    finally:
        bulkhead.unlimit()
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert api.calls("POST") == []
