"""MindCloud's other half: an end user is created there once, and tokens are minted and never kept."""

import threading

import pytest

from credservice.core.exceptions import Conflict, Forbidden, ServiceError
from credservice.crypto import seal
from exchange.mindcloud import client
from exchange.mindcloud.client import Away, NotSetUp, Refused
from exchange.mindcloud.services import Unsettled, end_user_for, mint_token, settle_created, settle_not_created
from exchange.models import EndUser, Platform, UnsettledEndUser
from exchange.services.end_users import upsert_end_user
from tests.support.canaries import found_in_rows
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_platform
from tests.support.http_server import Answer, raw_server, unused_port
from tests.support.mindcloud_server import API_KEY, TOKEN, MindCloudApi, mindcloud_api, read_and_hang_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api():
    with mindcloud_api() as api:
        yield api


@pytest.fixture
def platform(api) -> Platform:
    platform = make_platform(is_default=True)
    move(platform, api.url)
    return platform


def move(platform: Platform, api_url: str) -> None:
    """Another address, with the key that goes with it."""
    platform.api_url = api_url
    platform.sealed_api_key = seal(API_KEY.encode(), platform.api_key_place)
    platform.save()


def mint(platform: Platform, external_id: str = "acme", **more: str) -> str:
    return mint_token(platform=platform, external_id=external_id, actor="token:backend", may_create=True, **more).text


def test_the_first_token_creates_the_end_user_and_the_next_does_not(api: MindCloudApi, platform, trail):
    assert [mint(platform, name="Acme", email="a@acme.example") for _ in range(2)] == [TOKEN, TOKEN]
    assert api.users == {"enduser_1": "acme"}
    assert api.calls("POST")[0].body == b'{"externalId": "acme", "name": "Acme", "email": "a@acme.example"}'
    assert EndUser.objects.get().end_user_id == "enduser_1"
    assert not UnsettledEndUser.objects.exists()
    assert len(trail.all(action="end_user.token_minted")) == 2


def test_neither_key_nor_token_is_kept_anywhere(api, platform):
    mint(platform)
    assert found_in_rows({"key": API_KEY, "token": TOKEN}) == []


def test_one_that_was_registered_before_is_not_created(api, platform):
    api.users["enduser_9"] = "acme"
    upsert_end_user(platform=platform, external_id="acme", end_user_id="enduser_9", actor="test")
    assert mint(platform) == TOKEN
    assert api.calls("POST") == []


def test_many_callers_at_once_create_one(api, platform):
    def ask(_: int) -> str:
        return end_user_for(platform=platform, external_id="acme", actor="test").end_user_id

    assert set(at_once(ask, 6)) == {"enduser_1"}
    assert len(api.users) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_created_nothing_and_can_be_asked_again(api, platform, status):
    api.faults = [Answer(status, b'{"message": "Certainly not"}')]
    with pytest.raises(Refused, match="Certainly not"):
        mint(platform)
    assert mint(platform) == TOKEN
    assert len(api.users) == 1


def test_too_many_requests_is_passed_on_with_its_pause(api, platform):
    api.faults = [Answer(429, b"", {"Retry-After": "17"})]
    with pytest.raises(Away) as caught:
        mint(platform)
    assert (caught.value.status, caught.value.retry_after) == (503, 17)
    assert mint(platform) == TOKEN


def test_nobody_there_created_nothing(api, platform):
    move(platform, f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(Away):
        mint(platform)
    assert not UnsettledEndUser.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b"broken"),
        Answer(502),
        Answer(503, b"", {"Retry-After": "1"}),
        Answer(200, b"<html>"),
        Answer(201, b'{"success": true, "data": {}}'),
        Answer(201, b'{"success": true, "data": {"userId": 7}}'),
        Answer(200, b"{}", {"Content-Encoding": "gzip"}),
    ],
)
def test_an_unclear_answer_is_never_followed_by_another_creation(api, platform, answer, trail):
    api.late = [answer]
    for _ in range(3):
        with pytest.raises(Unsettled):
            mint(platform)
    assert len(api.users) == 1
    assert trail.one(action="end_user.creation").reason == "outcome_unknown"
    assert UnsettledEndUser.objects.get().why


def test_a_connection_that_ends_after_the_request_is_unclear(api, platform):
    with raw_server(read_and_hang_up) as port:
        move(platform, f"http://127.0.0.1:{port}")
        with pytest.raises(Unsettled):
            mint(platform)
    move(platform, api.url)
    with pytest.raises(Unsettled):
        mint(platform)
    assert api.users == {}


def test_a_slow_answer_is_unclear(api, platform, monkeypatch):
    monkeypatch.setattr(client, "SECONDS", 0.2)
    api.gate = threading.Event()
    with pytest.raises(Unsettled):
        mint(platform)
    api.gate.set()
    assert api.created.wait(5)
    assert len(api.users) == 1


def test_a_process_that_died_in_between_leaves_it_unsettled(api, platform, monkeypatch):
    def die(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("exchange.mindcloud.services.create_user", die)
    with pytest.raises(KeyboardInterrupt):
        mint(platform)
    monkeypatch.undo()
    with pytest.raises(Unsettled):
        mint(platform)
    assert (UnsettledEndUser.objects.get().why, api.users) == ("the process that asked ended before the answer", {})


def test_an_id_that_is_another_end_users_is_not_taken(api, platform):
    upsert_end_user(platform=platform, external_id="other", end_user_id="enduser_1", actor="test")
    with pytest.raises(Unsettled):
        mint(platform)
    assert "another end user's" in UnsettledEndUser.objects.get().why


def unsettled(api, platform) -> UnsettledEndUser:
    api.late = [Answer(500)]
    with pytest.raises(Unsettled):
        mint(platform)
    return UnsettledEndUser.objects.get()


def test_a_person_finds_it_created(api, platform, trail):
    settle_created(intent=unsettled(api, platform), end_user_id="enduser_1", actor="user:ann", reason="seen there")
    assert mint(platform) == TOKEN
    assert len(api.users) == 1
    assert trail.one(action="end_user.creation_settled").detail["why"] == "seen there"


def test_a_person_finds_it_not_created(api, platform):
    intent = unsettled(api, platform)
    api.users.clear()
    settle_not_created(intent=intent, actor="user:ann", reason="not there")
    assert mint(platform) == TOKEN
    with pytest.raises(Conflict):
        settle_not_created(intent=intent, actor="user:ann", reason="not there")


def test_the_vendor_registers_it_with_the_id_that_it_has(api, platform):
    unsettled(api, platform)
    upsert_end_user(platform=platform, external_id="acme", end_user_id="enduser_1", actor="test")
    assert mint(platform) == TOKEN


@pytest.mark.parametrize("answer", [Answer(200, b"{}"), Answer(200, b'{"token": ""}'), Answer(200, b"x"), Answer(404)])
def test_an_answer_without_a_token_is_refused(api, platform, answer):
    mint(platform)
    api.faults = [answer]
    with pytest.raises(Refused) as caught:
        mint(platform)
    assert caught.value.status == 502


def test_a_passing_fault_of_a_token_is_asked_again(api, platform):
    mint(platform)
    api.faults = [Answer(500), Answer(502)]
    assert mint(platform) == TOKEN


def test_what_mindcloud_says_is_passed_on_without_the_key(api, platform):
    api.faults = [Answer(422, f'{{"message": "bad {API_KEY}"}}'.encode())]
    with pytest.raises(Refused) as caught:
        mint(platform)
    assert API_KEY not in caught.value.message


def test_suspended_gets_no_token(api, platform):
    mint(platform)
    EndUser.objects.update(is_active=False)
    with pytest.raises(Forbidden):
        mint(platform)
    Platform.objects.update(is_active=False)
    platform.refresh_from_db()
    with pytest.raises(Forbidden):
        mint(platform, "other")


def test_without_a_key_nothing_is_asked_or_left(api, platform):
    Platform.objects.update(sealed_api_key=None)
    platform.refresh_from_db()
    with pytest.raises(NotSetUp) as caught:
        mint(platform)
    assert isinstance(caught.value, ServiceError)
    assert not UnsettledEndUser.objects.exists()


def test_the_key_goes_to_no_address_but_the_one_that_it_was_entered_for(api, platform):
    """An address that was changed in the database, by somebody who wants the key sent there."""
    with mindcloud_api() as elsewhere:
        Platform.objects.update(api_url=elsewhere.url)
        platform.refresh_from_db()
        with pytest.raises(Away, match="cannot be opened"):
            mint(platform)
        assert elsewhere.calls("POST") == elsewhere.calls("GET") == []


@pytest.mark.parametrize("key", ["mc-key-123 ", "mc-key\n123", "mc-key-123\u200b"])
def test_with_a_key_that_no_header_can_carry_nothing_is_sent_or_left(api, platform, key):
    platform.sealed_api_key = seal(key.encode(), platform.api_key_place)
    platform.save()
    with pytest.raises(NotSetUp, match="enter it again"):
        mint(platform)
    assert (api.calls("POST"), UnsettledEndUser.objects.count()) == ([], 0)
    platform.sealed_api_key = seal(API_KEY.encode(), platform.api_key_place)
    platform.save()
    assert mint(platform) == TOKEN
