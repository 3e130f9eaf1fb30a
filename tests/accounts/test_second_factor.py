"""Adding, asking for, demanding and taking away a second factor."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.accounts.conftest import ACCOUNT, LOGIN, SECOND_STEP, add_app, sign_in, totp
from tests.conftest import Trail
from tests.support.console import PASSWORD

pytestmark = pytest.mark.usefixtures("stopped_clock")


def codes(console: Client) -> list[str]:
    """Recovery codes, made anew and shown."""
    console.post(f"{ACCOUNT}recovery-codes/new/")
    return re.findall(r"^.*?(\d{8})$", console.get(f"{ACCOUNT}recovery-codes/").content.decode(), re.MULTILINE)


def at_second_step() -> Client:
    client = Client()
    assert sign_in(client)["Location"] == SECOND_STEP
    return client


def test_the_password_alone_is_not_enough(app: str):
    client = at_second_step()
    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_a_code_completes_the_sign_in(app: str):
    client = at_second_step()
    assert client.post(SECOND_STEP, {"code": totp(app)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1" * 500, "000\x00000", "٠١٢٣٤٥"])
def test_a_malformed_code_is_refused(app: str, code: str):
    assert at_second_step().post(SECOND_STEP, {"code": code}).status_code in (200, 400)


@pytest.mark.parametrize(
    "credential", ["", "null", "[]", "{}", '{"response": {}}', '{"response": {"clientDataJSON": "!"}}']
)
def test_a_malformed_passkey_is_refused(app: str, credential: str):
    client = at_second_step()
    assert client.post(SECOND_STEP, {"credential": credential}).status_code == 200
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("credential", ["", "null", "[]", '{"response": {"userHandle": 7, "clientDataJSON": "e30"}}'])
def test_a_malformed_passkey_signs_nobody_in(db: None, credential: str):
    client = Client()
    assert client.post(f"{ACCOUNT}passkey/sign-in/", {"credential": credential})["Location"] == LOGIN
    assert client.get("/admin/").status_code == 302


def test_a_code_is_good_once(app: str):
    code = totp(app)
    at_second_step().post(SECOND_STEP, {"code": code})
    again = at_second_step().post(SECOND_STEP, {"code": code})
    assert "Incorrect code" in again.content.decode()


def test_codes_of_one_account_are_limited(app: str):
    client = at_second_step()
    pages = [client.post(SECOND_STEP, {"code": "000000"}).content.decode() for _ in range(6)]
    assert "Incorrect code" in pages[4]
    assert "Too many failed login attempts" in pages[5]
    assert client.post(SECOND_STEP, {"code": totp(app)}).status_code == 200


def test_codes_count_as_tries_of_an_address(app: str, monkeypatch: pytest.MonkeyPatch):
    client = at_second_step()
    monkeypatch.setattr("credservice.accounts.throttle.TRIES_PER_MINUTE", 0)
    assert "Too many tries from your address" in client.post(SECOND_STEP, {"code": totp(app)}).content.decode()


def test_a_recovery_code_is_good_once(app: str, console: Client, trail: Trail):
    code = codes(console)[0]
    assert at_second_step().post(SECOND_STEP, {"code": code})["Location"] == "/admin/"
    assert "Incorrect code" in at_second_step().post(SECOND_STEP, {"code": code}).content.decode()
    assert trail.one(action="user.recovery_code_used").actor == "user:root"


def test_recovery_codes_are_shown_once(app: str, console: Client):
    assert len(codes(console)) == 10
    page = console.get(f"{ACCOUNT}recovery-codes/").content.decode()
    assert "10 of 10 are unused" in page
    assert not re.search(r"\b\d{8}\b", page)


def test_what_happens_to_it_is_in_the_trail(console: Client, trail: Trail, admin: User):
    secret = add_app(console)
    lines = [(line.action, line.actor, line.object_id) for line in trail.all(object_type="user")]
    assert ("user.second_factor_added", "user:root", str(admin.pk)) in lines
    assert ("user.recovery_codes_made", "user:root", str(admin.pk)) in lines
    assert secret not in str([line.detail for line in trail.all()])


def test_a_code_and_a_wrong_one_are_in_the_trail(app: str, trail: Trail):
    client = at_second_step()
    client.post(SECOND_STEP, {"code": "000000"})
    client.post(SECOND_STEP, {"code": totp(app)})
    found = [(line.action, line.outcome, line.reason) for line in trail.all() if "second_factor" in line.action]
    assert ("user.second_factor", "refused", "wrong_code") in found
    assert ("user.second_factor_used", "done", "") in found


def test_changing_it_asks_for_a_proof_after_a_while(app: str, console: Client, settings: Any):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    asked = console.get(f"{ACCOUNT}app/remove/")
    assert asked["Location"].startswith(f"{ACCOUNT}confirm/")
    console.post(asked["Location"], {"password": "wrong"})
    assert Authenticator.objects.filter(type="totp").exists()


def test_the_proof_leads_back(app: str, console: Client, settings: Any):
    where = f"{ACCOUNT}confirm/?next={ACCOUNT}app/remove/"
    assert console.post(where, {"password": PASSWORD})["Location"] == f"{ACCOUNT}app/remove/"
    assert console.post(where, {"password": totp(app)})["Location"] == f"{ACCOUNT}app/remove/"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/admin/", "/v1/sso", "javascript:alert(1)"]
)
def test_the_proof_leads_nowhere_else(console: Client, elsewhere: str):
    response = console.post(f"{ACCOUNT}confirm/?next={elsewhere}", {"password": PASSWORD})
    assert response["Location"] == ACCOUNT


def test_it_is_removed(app: str, console: Client, trail: Trail):
    console.post(f"{ACCOUNT}app/remove/")
    assert not Authenticator.objects.exists()
    assert trail.one(action="user.second_factor_removed").detail["kind"] == "totp"
    assert sign_in(Client())["Location"] == "/admin/"


def test_adding_one_ends_other_sessions(console: Client):
    other = Client()
    sign_in(other)
    add_app(console)
    assert other.get("/admin/").status_code == 302
    assert console.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "path", ["", "exchange/platform/", "password_change/", "account/recovery-codes/", "account/sessions/end/"]
)
def test_where_it_is_required_nothing_else_can_be_done(console: Client, settings: Any, path: str):
    settings.REQUIRE_SECOND_FACTOR = True
    for response in (console.get(f"/admin/{path}"), console.post(f"/admin/{path}")):
        assert (response.status_code, response["Location"]) == (302, ACCOUNT)


def test_where_it_is_required_one_is_set_up_and_all_is_open(console: Client, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    assert "Set up a second factor" in console.get(ACCOUNT).content.decode()
    add_app(console)
    assert console.get("/admin/exchange/platform/").status_code == 200


def test_where_it_is_required_removing_the_last_leads_back_to_the_set_up(app: str, console: Client, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    console.post(f"{ACCOUNT}app/remove/")
    assert console.get("/admin/")["Location"] == ACCOUNT


def test_a_session_that_has_not_shown_it_ends(app: str, admin: User, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    client = Client()
    client.force_login(admin)
    assert client.get("/admin/")["Location"] == LOGIN
    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_an_account_that_lost_its_rights_does_not_pass_the_second_step(app: str, admin: User):
    client = at_second_step()
    User.objects.update(is_staff=False)
    client.post(SECOND_STEP, {"code": totp(app)})
    assert client.get("/admin/").status_code == 302


def test_nobody_signs_up(db: None):
    for path in ("signup/", "account/signup/", "account/password/reset/", "account/email/", "account/social/"):
        assert Client().get(f"/admin/{path}").status_code in (302, 404)
    assert not User.objects.exists()


def test_its_pages_ask_for_a_sign_in(db: None):
    for name in (
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_reauthenticate",
    ):
        response = Client().get(reverse(name))
        assert response.status_code in (302, 403), name
