"""Nobody keeps anybody else out by using up tries: not by an address, not by an account, not by a known password."""

import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from credservice.accounts import throttle
from credservice.accounts.devices import COOKIE
from credservice.limits.counter import BUCKETS
from tests.accounts.conftest import ACCOUNT, LOGIN, SECOND_STEP, add_app, sign_in, totp
from tests.support.console import PASSWORD

pytestmark = pytest.mark.usefixtures("stopped_clock")
CONFIRM = f"{ACCOUNT}confirm/"


def try_password(address: str, name: str = "root", password: str = "wrong") -> int:
    values = {"username": name, "password": password}
    return int(Client(REMOTE_ADDR=address).post(LOGIN, values).status_code)


def counters() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM limits_window")
        return {key for (key,) in cursor.fetchall()}


def addresses_of_one_old_counter() -> Iterator[str]:
    """Addresses that a checksum, which anybody computes, would count together."""
    wanted = zlib.crc32(b"203.0.113.9") % 4096
    every = (f"198.{a}.{b}.{c}" for a in (18, 19) for b in range(256) for c in range(256))
    return (address for address in every if zlib.crc32(address.encode()) % 4096 == wanted)


def test_addresses_of_one_checksum_are_counted_apart(admin: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 1)
    addresses = [next(found) for found in [addresses_of_one_old_counter()] for _ in range(5)]
    assert [try_password(address) for address in addresses] == [200] * 5
    assert try_password("203.0.113.9", password=PASSWORD) == 302


def test_counters_are_of_a_fixed_number_and_tell_no_address(admin: User):
    try_password("203.0.113.9")
    assert {key.partition(":")[0] for key in counters()} == {"sign_in", "account"}
    assert all(int(key.partition(":")[2]) < BUCKETS for key in counters())


def test_a_wide_ipv6_network_is_counted_as_well(admin: User, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 1)
    statuses = [try_password(f"2001:db8:1:{number}::1") for number in range(6)]
    assert statuses == [200] * 5 + [429]
    assert try_password("2001:db8:2::1") == 200


def test_an_accounts_password_is_not_tried_without_end_from_many_addresses(admin: User):
    statuses = [try_password(f"198.51.100.{number}") for number in range(throttle.STRANGERS_TRIES + 1)]
    assert statuses == [200] * throttle.STRANGERS_TRIES + [429]
    assert try_password("203.0.113.9", name="somebody") == 200


def test_a_name_that_nobody_has_is_limited_alike(admin: User):
    statuses = [try_password(f"198.51.100.{number}", "nobody") for number in range(throttle.STRANGERS_TRIES + 1)]
    assert statuses[-1] == 429


def signed_in_before() -> Client:
    """A browser without a session, in which the account has signed in."""
    client = Client()
    assert sign_in(client)["Location"] == "/admin/"
    client.post("/admin/logout/")
    return client


def test_strangers_do_not_lock_the_owner_out(admin: User, monkeypatch: pytest.MonkeyPatch):
    owner = signed_in_before()
    for number in range(throttle.STRANGERS_TRIES + 1):
        try_password(f"198.51.100.{number}")
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 3)  # the owner's own network is used up as well
    assert [try_password("127.0.0.1", name=f"other{number}") for number in range(3)][-1] == 429
    assert sign_in(owner)["Location"] == "/admin/"


def test_a_known_browser_has_its_limit_too(admin: User, monkeypatch: pytest.MonkeyPatch):
    owner = signed_in_before()
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 2)
    assert [sign_in(owner, "wrong").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("change", ["other account", "forged", "empty", "old"])
def test_a_browser_is_known_for_its_account_by_our_code_alone(admin: User, change: str, monkeypatch: Any):
    owner, name = signed_in_before(), "root"
    known = owner.cookies[COOKIE].value
    device, _, code = known.partition(".")
    if change == "other account":
        name = "other"
    elif change == "old":
        monkeypatch.setattr("credservice.accounts.devices.GOOD_FOR", 0)
    else:
        owner.cookies[COOKIE] = {"forged": f"{device}0.{code}", "empty": ""}[change]
    monkeypatch.setattr(throttle, "STRANGERS_TRIES", 0)
    assert owner.post(LOGIN, {"username": name, "password": PASSWORD}).status_code == 429


def test_a_right_password_alone_makes_no_known_browser(app: str):
    client = Client()
    assert sign_in(client)["Location"] == SECOND_STEP
    assert COOKIE not in client.cookies
    client.post(SECOND_STEP, {"code": totp(app)})
    assert client.cookies[COOKIE]["httponly"]
    assert client.cookies[COOKIE]["samesite"] == "Strict"


def test_a_session_that_still_has_to_set_up_a_factor_makes_no_known_browser(admin: User, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    client = Client()
    sign_in(client)
    assert client.get("/admin/")["Location"] == f"{ACCOUNT}"
    assert COOKIE not in client.cookies
    add_app(client)
    client.get("/admin/")
    assert COOKIE in client.cookies


def test_a_session_makes_one_known_browser_however_many_cookies_it_asks_for(console: Client, monkeypatch: Any):
    """Else whoever has a session for a minute takes along tries of its password and codes without end."""
    browsers = []
    for seconds in range(3):
        del console.cookies[COOKIE]
        with time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=False):
            console.get("/admin/")
        browsers.append(Client())
        browsers[-1].cookies[COOKIE] = console.cookies[COOKIE].value
    assert len({browser.cookies[COOKIE].value for browser in browsers}) == 3
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 2)
    assert [sign_in(browser, "wrong").status_code for browser in browsers] == [200, 200, 429]


def test_who_knows_the_password_does_not_keep_the_owner_from_the_second_step(app: str, console: Client):
    stranger = Client()
    sign_in(stranger)
    pages = [stranger.post(SECOND_STEP, {"code": "000000"}).content.decode() for _ in range(6)]
    assert "Too many failed login attempts" in pages[-1]
    assert console.post(CONFIRM, {"password": totp(app, -1)}).status_code == 200  # used
    console.post("/admin/logout/")
    assert sign_in(console)["Location"] == SECOND_STEP
    assert console.post(SECOND_STEP, {"code": totp(app)})["Location"] == "/admin/"


def test_tries_in_one_session_do_not_count_in_another(console: Client, monkeypatch: pytest.MonkeyPatch):
    other = Client()
    sign_in(other)
    monkeypatch.setattr(throttle, "TRIES_PER_MINUTE", 2)
    pages = [console.post(CONFIRM, {"password": "wrong"}).content.decode() for _ in range(3)]
    assert "Too many passwords were tried in this session" in pages[-1]
    assert other.post(CONFIRM, {"password": PASSWORD}).status_code == 302


def test_codes_of_one_session_do_not_count_in_another(app: str, console: Client):
    pages = [console.post(CONFIRM, {"password": "000000"}).content.decode() for _ in range(6)]
    assert "Too many failed login attempts" in pages[-1]
    other = Client()
    sign_in(other)
    other.post(SECOND_STEP, {"code": totp(app)})
    with time_machine.travel(timezone.now() + timedelta(seconds=30), tick=False):
        assert other.post(CONFIRM, {"password": totp(app)}).status_code == 302
        assert "Too many failed" in console.post(CONFIRM, {"password": totp(app)}).content.decode()


def test_good_codes_do_not_count(app: str, console: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, "CODES", 1)
    assert console.post(CONFIRM, {"password": totp(app)}).status_code == 302
    assert "Incorrect code" in console.post(CONFIRM, {"password": "000000"}).content.decode()
    assert "Too many failed" in console.post(CONFIRM, {"password": "000000"}).content.decode()


def test_a_session_takes_no_second_step_of_another_account(app: str):
    """So that nobody tries its codes by the count of a session of their own."""
    other, client = User.objects.create_superuser("other", password="another long password"), Client()
    client.post(LOGIN, {"username": "other", "password": "another long password"})
    sign_in(client)
    assert client.post(SECOND_STEP, {"code": totp(app)})["Location"] == "/admin/"
    assert client.session["_auth_user_id"] == str(other.pk)
