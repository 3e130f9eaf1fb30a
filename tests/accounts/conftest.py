"""Accounts with a second factor, as the console's pages make it."""

import base64
import hmac
import struct
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client

from tests.support.console import PASSWORD, _plain_static_files, _quick_passwords, admin  # noqa: F401 - fixtures

LOGIN, SECOND_STEP, ACCOUNT = "/admin/login/", "/admin/account/second-step/", "/admin/account/"


def totp(secret: str, steps: int = 0) -> str:
    """RFC 6238 with its defaults, so many half minutes from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def sign_in(client: Client, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"username": "root", "password": password})


def add_app(client: Client) -> str:
    """Add an authenticator app to the account that is signed in: its secret."""
    secret: str = client.get(f"{ACCOUNT}app/").context["form"].secret
    response = client.post(f"{ACCOUNT}app/", {"code": totp(secret)})
    assert response.status_code == 302, response.content
    return secret


@pytest.fixture
def console(admin: User) -> Client:  # noqa: F811
    client = Client()
    assert sign_in(client)["Location"] == "/admin/"
    return client


@pytest.fixture
def app(stopped_clock: None, console: Client) -> str:
    """The secret of an app that was added half a minute ago, so that the present code is unused.

    The clock stands: a code is good for its half minute, which could end between its making and its check.
    """
    secret = add_app(console)
    row = Authenticator.objects.get(type="totp")
    row.data["used_step"] -= 1
    row.save()
    return secret
