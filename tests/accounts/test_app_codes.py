"""Codes of an authenticator app: RFC 6238, 5.2. One step back for the network and the typing, and none twice."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.test import Client
from django.utils import timezone

from tests.accounts.conftest import ACCOUNT, SECOND_STEP, add_app, sign_in, totp

pytestmark = pytest.mark.usefixtures("stopped_clock")
STEP = 30


@pytest.fixture
def app(app: str) -> str:
    """The secret of an app that was added long ago."""
    row = Authenticator.objects.get(type="totp")
    row.data["used_step"] -= 10
    row.save()
    return app


def passes(code: str) -> bool:
    client = Client()
    assert sign_in(client)["Location"] == SECOND_STEP
    status: Any = client.post(SECOND_STEP, {"code": code}).status_code
    return bool(status == 302)


def test_the_code_of_the_step_before_is_good(app: str):
    assert auth.validate_totp_code(app, totp(app, -1))
    assert passes(totp(app, -1))


@pytest.mark.parametrize("steps", [-2, 1])
def test_no_other_is(app: str, steps: int):
    assert not passes(totp(app, steps))


def test_the_code_of_the_step_before_is_good_once(app: str):
    assert passes(totp(app, -1))
    assert not passes(totp(app, -1))
    assert passes(totp(app))


def test_a_used_code_is_refused_in_the_next_half_minute_too(app: str):
    code = totp(app)
    assert passes(code)
    with time_machine.travel(timezone.now() + timedelta(seconds=STEP), tick=False):
        assert not passes(code)


def test_the_code_of_the_step_before_is_refused_after_a_newer_one(app: str):
    before = totp(app, -1)
    assert passes(totp(app))
    assert not passes(before)


def test_a_code_of_the_step_to_come_adds_no_app(console: Client):
    secret = console.get(f"{ACCOUNT}app/").context["form"].secret
    assert "Incorrect code" in console.post(f"{ACCOUNT}app/", {"code": totp(secret, 1)}).content.decode()


def test_the_code_that_added_the_app_is_used(console: Client):
    secret = add_app(console)
    assert not passes(totp(secret))
    with time_machine.travel(timezone.now() + timedelta(seconds=STEP), tick=False):
        assert not passes(totp(secret, -1))
        assert passes(totp(secret))
