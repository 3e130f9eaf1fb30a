"""The second factor in a browser: app, passkey, recovery code, and that it is demanded."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.accounts.conftest import totp
from tests.browser.conftest import OVERVIEW, make_operator, sign_in
from tests.support.live import LiveService, own_database, serving

SECONDS_TO_TYPE = 10  # for a browser on a busy machine: from the making of a code until the server checks it
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def present_code(secret: str) -> str:
    """The code of this half minute; of the next where what is left of this one may be over before the server looks.

    The server's clock is the machine's: it cannot be stopped from here.
    """
    while (left := 30 - time.time() % 30) < SECONDS_TO_TYPE:
        time.sleep(left)
    return totp(secret)


def next_code(secret: str, used: str) -> str:
    """The code of the next half minute: none is good twice."""
    while (code := present_code(secret)) == used:
        time.sleep(0.5)
    return code


@pytest.fixture
def authenticator(page: Page) -> CDPSession:
    """A device with a finger on it, in the browser."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session


@pytest.fixture(autouse=True)
def _no_tries_yet(live_service: LiveService) -> None:
    """These tests sign in more often than one address may."""
    live_service.rows("DELETE FROM limits_window RETURNING key")


@pytest.fixture(scope="module")
def strict() -> Iterator[LiveService]:
    """A service that demands a second factor."""
    with own_database() as url, serving(url, pages=True, REQUIRE_SECOND_FACTOR="true") as service:
        yield service


def add_app(page: Page) -> tuple[str, str]:
    """The app's secret, and the code that was used."""
    page.goto("/admin/account/app/")
    secret = page.locator("#totp-secret").inner_text()
    code = present_code(secret)
    page.get_by_label("Code that the app shows").fill(code)
    page.get_by_role("button", name="Add this app").click()
    expect(page.get_by_text("These codes are shown only now")).to_be_visible()
    return secret, code


def test_a_phone_opens_its_own_app(console: Page):
    console.goto("/admin/account/app/")
    secret = console.locator("#totp-secret").inner_text()
    link = console.get_by_role("link", name="Open it from here")
    assert re.fullmatch(rf"otpauth://totp/.+[?&]secret={secret}&.+", link.get_attribute("href") or "")


def sign_out(page: Page) -> None:
    """As a browser that was closed; at the sign-in again."""
    page.context.clear_cookies()
    page.goto("/admin/")


def give_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue").click()


def test_an_app_is_asked_for_at_the_next_sign_in(console: Page, operator: tuple[str, str]):
    secret, code = add_app(console)
    sign_out(console)
    sign_in(console, *operator)
    expect(console.get_by_role("heading", name="Second step")).to_be_visible()
    give_code(console, next_code(secret, code))
    console.wait_for_url(OVERVIEW)


def test_a_wrong_code_lets_nobody_in(console: Page, operator: tuple[str, str]):
    secret, _ = add_app(console)
    sign_out(console)
    sign_in(console, *operator)
    give_code(console, f"{(int(totp(secret)) + 1) % 10**6:06}")
    expect(console.get_by_text("Incorrect code")).to_be_visible()
    console.goto("/admin/")
    expect(console.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_recovery_code_stands_in_once(console: Page, operator: tuple[str, str]):
    add_app(console)
    code = console.locator("#recovery-codes").inner_text().split()[0]
    for shown in ("Overview", "Incorrect code"):
        sign_out(console)
        sign_in(console, *operator)
        give_code(console, code)
        expect(console.get_by_text(shown).first).to_be_visible()


def test_recovery_codes_are_shown_once(console: Page):
    add_app(console)
    console.goto("/admin/account/recovery-codes/")
    expect(console.get_by_text("are not shown again: 10 of 10 are unused")).to_be_visible()
    expect(console.locator("#recovery-codes")).to_have_count(0)


def test_a_passkey_is_asked_for_at_the_next_sign_in(
    console: Page, operator: tuple[str, str], authenticator: CDPSession
):
    console.goto("/admin/account/passkeys/add/")
    console.get_by_role("button", name="Make the passkey").click()
    expect(console.get_by_text("These codes are shown only now")).to_be_visible()
    sign_out(console)
    sign_in(console, *operator)
    console.get_by_role("button", name="Use a passkey").click()
    console.wait_for_url(OVERVIEW)


def test_a_passkey_signs_in_alone(console: Page, authenticator: CDPSession):
    console.goto("/admin/account/passkeys/add/")
    console.get_by_label("Sign in with it alone").check()
    console.get_by_role("button", name="Make the passkey").click()
    expect(console.get_by_text("These codes are shown only now")).to_be_visible()
    sign_out(console)
    console.get_by_role("button", name="Sign in with a passkey").click()
    console.wait_for_url(OVERVIEW)


@pytest.mark.usefixtures("authenticator")
def test_a_passkey_is_removed(console: Page):
    console.goto("/admin/account/passkeys/add/")
    console.get_by_role("button", name="Make the passkey").click()
    console.get_by_role("link", name="I have kept them").click()
    console.get_by_role("link", name="Remove").click()
    expect(console.get_by_text("It opens nothing from then on")).to_be_visible()
    console.get_by_role("button", name="Remove the passkey").click()
    expect(console.get_by_text("Passkey removed.")).to_be_visible()


def test_a_passkey_reveals_a_secret(console: Page, live_service: LiveService, authenticator: CDPSession):
    console.goto("/admin/account/passkeys/add/")
    console.get_by_role("button", name="Make the passkey").click()
    expect(console.get_by_text("These codes are shown only now")).to_be_visible()
    ((secret,),) = live_service.rows("SELECT id FROM keys_signingsecret ORDER BY id LIMIT 1")
    console.goto(f"/admin/keys/signingsecret/{secret}/reveal/")
    console.get_by_label("Reason").fill("support case 4711")
    console.get_by_role("button", name="Use a passkey").click()
    expect(console.get_by_text("This page is shown once")).to_be_visible()


def test_without_a_passkey_the_page_says_so(page: Page, live_service: LiveService, authenticator: CDPSession):
    page.goto("/admin/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("No passkey was used")).to_be_visible()


@pytest.mark.usefixtures("authenticator")
def test_an_operator_without_one_is_led_to_set_one_up(page: Page, strict: LiveService):
    name, password = make_operator(strict)
    page.goto(f"{strict.base_url}/admin/credentials/credential/")
    sign_in(page, name, password)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    page.goto(f"{strict.base_url}/admin/credentials/credential/")
    expect(page).to_have_url(re.compile("/admin/account/$"))
    page.get_by_role("link", name="Passkey").click()
    page.get_by_role("button", name="Make the passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    page.goto(f"{strict.base_url}/admin/credentials/credential/")
    expect(page).to_have_url(re.compile("/credential/$"))
