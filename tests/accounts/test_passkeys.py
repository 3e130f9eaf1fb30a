"""A passkey answers for what it was asked: which challenge, which user, which choice, checked owner or not."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.test import Client
from django.utils import timezone

from credservice.accounts.models import CacheEntry
from credservice.accounts.tasks import forget_sessions
from tests.accounts.conftest import ACCOUNT, LOGIN, SECOND_STEP, sign_in
from tests.accounts.software_key import SoftwareKey
from tests.conftest import Trail

ADD, ALONE, OPTIONS = f"{ACCOUNT}passkeys/add/", f"{ACCOUNT}passkey/sign-in/", f"{ACCOUNT}passkey/options/"
CONFIRM = f"{ACCOUNT}confirm/"


def add_key(console: Client, *, alone: bool) -> SoftwareKey:
    key = SoftwareKey()
    options = console.get(ADD).context["js_data"]["creation_options"]
    values = {"credential": key.register(options, verified=True)} | ({"passwordless": "on"} if alone else {})
    assert console.post(ADD, values).status_code == 302
    return key


def options_alone(client: Client) -> Any:
    answer = client.get(ALONE, headers={"X-Requested-With": "XMLHttpRequest"})
    return answer.json()["request_options"]


def options_second_step(client: Client) -> Any:
    """The password is right; the page asks for the second factor."""
    assert sign_in(client)["Location"] == SECOND_STEP
    return client.get(SECOND_STEP).context["js_data"]["request_options"]


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def send_alone(client: Client, credential: str) -> bool:
    client.post(ALONE, {"credential": credential})
    return is_in(client)


def test_a_key_added_to_sign_in_alone_does(console: Client):
    key, client = add_key(console, alone=True), Client()
    assert send_alone(client, key.sign(options_alone(client), verified=True))


def test_a_key_added_as_second_factor_does_not_sign_in_alone(console: Client, trail: Trail):
    key, client = add_key(console, alone=False), Client()
    assert not send_alone(client, key.sign(options_alone(client), verified=True))
    assert trail.all(action="user.second_factor", outcome="refused")[-1].reason == "passkey_not_alone"
    options = options_second_step(client)
    assert client.post(SECOND_STEP, {"credential": key.sign(options, verified=False)})["Location"] == "/admin/"


def test_a_key_from_before_the_choice_was_kept_does_not_sign_in_alone(console: Client):
    key, client = add_key(console, alone=True), Client()
    row = Authenticator.objects.get(type="webauthn")
    del row.data["passwordless"]
    row.save()
    assert not send_alone(client, key.sign(options_alone(client), verified=True))


def test_the_device_does_not_decide_that_it_signs_in_alone(console: Client):
    key, client = SoftwareKey(), Client()
    made = json.loads(key.register(console.get(ADD).context["js_data"]["creation_options"], verified=True))
    console.post(ADD, {"credential": json.dumps(made | {"passwordless": True})})
    assert not send_alone(client, key.sign(options_alone(client), verified=True))


def test_the_sign_in_alone_insists_on_a_checked_owner(console: Client):
    key, client = add_key(console, alone=True), Client()
    assert not send_alone(client, key.sign(options_alone(client), verified=False))


@pytest.mark.parametrize("verified", [False, True])
def test_a_challenge_of_the_second_step_does_not_sign_in_alone(console: Client, verified: bool):
    key, client = add_key(console, alone=True), Client()
    options = options_second_step(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):  # the pending sign-in has ended
        assert client.get(SECOND_STEP)["Location"] == LOGIN
    assert not send_alone(client, key.sign(options, verified=verified))


def test_a_challenge_of_the_sign_in_alone_is_none_of_the_second_step(console: Client):
    key, client = add_key(console, alone=True), Client()
    options = options_alone(client)
    options_second_step(client)
    client.post(SECOND_STEP, {"credential": key.sign(options, verified=True)})
    assert not is_in(client)


def test_a_challenge_of_a_proof_is_for_a_proof(console: Client):
    key = add_key(console, alone=True)
    credential = key.sign(console.get(OPTIONS).json()["request_options"], verified=True)
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = console.cookies[settings.SESSION_COOKIE_NAME].value
    assert console.post(CONFIRM, {"credential": credential}).status_code == 302
    assert "not accepted" in client.post(CONFIRM, {"credential": credential}).content.decode()


def test_a_challenge_is_for_its_user(console: Client, django_user_model: Any):
    key, client = add_key(console, alone=True), Client()
    options = options_second_step(client)
    other = django_user_model.objects.create_superuser("other", password="another long password")
    Authenticator.objects.filter(type="webauthn").update(user=other)  # the key would answer for either
    client.post(LOGIN, {"username": "other", "password": "another long password"})
    client.post(SECOND_STEP, {"credential": key.sign(options, verified=True)})
    assert not is_in(client)


def test_a_challenge_ends_after_ten_minutes(console: Client):
    key, client = add_key(console, alone=True), Client()
    credential = key.sign(options_alone(client), verified=True)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert not send_alone(client, credential)


def test_a_challenge_is_good_for_one_answer(console: Client):
    """As two requests at once have it, which read the same session."""
    key, client = add_key(console, alone=True), Client()
    credential = key.sign(options_alone(client), verified=True)
    states = client.session["passkey_states"]
    assert send_alone(client, credential)
    again = Client()
    options_alone(again)
    session = again.session
    session["passkey_states"] = states
    session.save()
    assert not send_alone(again, credential)


def test_marks_of_used_challenges_go_when_they_are_good_for_nothing(console: Client):
    key, client = add_key(console, alone=True), Client()
    assert send_alone(client, key.sign(options_alone(client), verified=True))
    forget_sessions(0)
    assert CacheEntry.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(minutes=21)):
        forget_sessions(0)
    assert not CacheEntry.objects.exists()


def test_nothing_that_is_stored_in_the_database_is_unpickled():
    """Whoever writes there could have the service run code of theirs, which has the keys."""
    assert not any(isinstance(cache, DatabaseCache) for cache in caches.all(initialized_only=False))
