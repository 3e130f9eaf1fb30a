"""A code that several send at the same moment lets one of them in: RFC 6238, 5.2; a recovery code is good once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from credservice.accounts.models import CacheEntry
from tests.accounts.conftest import ACCOUNT, SECOND_STEP, sign_in, totp
from tests.support.concurrency import at_once
from tests.support.console import CANARY, World
from tests.support.pages import url

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 4


@pytest.fixture(autouse=True)
def _many_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of these come from one address."""
    monkeypatch.setattr("credservice.accounts.throttle.TRIES_PER_MINUTE", 10_000)


def at_second_step() -> Client:
    client = Client()
    assert sign_in(client)["Location"] == SECOND_STEP
    return client


def let_in(address: str, clients: list[Client], field: str, code: str) -> int:
    answers = at_once(lambda number: clients[number].post(address, {field: code}), len(clients))
    assert all(answer.status_code in (200, 302) for answer in answers), answers
    return sum(answer.status_code == 302 for answer in answers)


def recovery_code(console: Client) -> str:
    console.post(f"{ACCOUNT}recovery-codes/new/")
    page = console.get(f"{ACCOUNT}recovery-codes/").content.decode()
    return str(re.findall(r"^.*?(\d{8})$", page, re.MULTILINE)[0])


def test_a_recovery_code_signs_one_in(app: str, console: Client):
    code = recovery_code(console)
    assert let_in(SECOND_STEP, [at_second_step() for _ in range(TIMES)], "code", code) == 1
    assert bin(Authenticator.objects.get(type="recovery_codes").data["used_mask"]).count("1") == 1


def test_a_code_of_the_app_signs_one_in(app: str, console: Client):
    assert let_in(SECOND_STEP, [at_second_step() for _ in range(TIMES)], "code", totp(app)) == 1


@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_a_code_confirms_once(app: str, console: Client, kind: str, settings: Any):
    code = totp(app) if kind == "app" else recovery_code(console)
    clients = [Client() for _ in range(TIMES)]
    for client in clients:
        client.cookies = console.cookies
    assert let_in(f"{ACCOUNT}confirm/", clients, "password", code) == 1


@pytest.fixture
def used_long_ago(app: str) -> str:
    """The present code, which was in use some time ago: the row that marked it is there still, and has expired."""
    code, user = totp(app), Authenticator.objects.get(type="totp").user_id
    long_ago = timezone.now() - timedelta(hours=1)
    CacheEntry.objects.create(cache_key=f":1:allauth.mfa.totp.used?user={user}&code={code}", expires=long_ago)
    return code


def test_a_code_that_comes_up_again_signs_one_in(used_long_ago: str, console: Client):
    assert let_in(SECOND_STEP, [at_second_step() for _ in range(TIMES)], "code", used_long_ago) == 1


def test_a_code_that_comes_up_again_reveals_once(used_long_ago: str, console: Client):
    address = url(World().secret, "reveal")
    clients, forms = [Client() for _ in range(TIMES)], [console.get(address).content.decode() for _ in range(TIMES)]
    for client in clients:
        client.cookies = console.cookies

    def reveal(number: int) -> str:
        form_id = re.findall(r'name="form_id" value="([^"]+)"', forms[number])[0]
        values = {"why": "to see", "password": used_long_ago, "form_id": form_id}
        return str(clients[number].post(address, values).content.decode())

    assert sum(CANARY in page for page in at_once(reveal, TIMES)) == 1
