"""A refused call, explained and mended by an operator in the browser."""

import time

import httpx2
from playwright.sync_api import Page, expect

from exchange.signatures.verify import Profile, sign
from tests.browser.conftest import open_more
from tests.browser.test_invitation import assert_usable, in_both_looks, put_on
from tests.support.live import LiveService

TARGET = "/credential-exchange/mindcloud"
IDS = {"integrationId": "int_abc123", "installationId": "install_xyz789", "endUserId": "enduser_456def"}


@in_both_looks
def test_no_explained_call_keeps_anybody_out(console: Page, live_service: LiveService, look: str):
    headers = {"X-Signature": "nonsense"}
    assert httpx2.post(live_service.base_url + TARGET, json=IDS, headers=headers).status_code == 401
    put_on(console, look)
    [(platform,)] = live_service.rows("SELECT id FROM exchange_platform WHERE name = 'mindcloud'")
    console.goto(f"/admin/exchange/platform/{platform}/debugger/")
    assert_usable(console)
    console.get_by_role("link", name="malformed").first.click()
    expect(console.get_by_text("At fault")).to_be_visible()
    assert_usable(console)


def test_the_setting_that_would_make_a_call_pass_is_one_click_away(console: Page, live_service: LiveService):
    secret = live_service.secret("mindcloud-signing-secret").encode()
    profile = Profile(tolerance_seconds=300)
    headers = sign(method="POST", path=TARGET, timestamp=str(int(time.time()) - 400), profile=profile, secret=secret)
    assert httpx2.post(live_service.base_url + TARGET, json=IDS, headers=headers).status_code == 401
    console.goto("/admin/exchange/platform/")
    console.get_by_role("link", name="mindcloud", exact=True).first.click()
    open_more(console).get_by_role("link", name="Signature debugger", exact=True).click()
    console.get_by_role("link", name="stale").first.click()
    expect(console.get_by_text("Set the tolerance to")).to_be_visible()
    console.get_by_role("button", name="Set tolerance to").click()
    expect(console.get_by_text("The tolerance was 300 s")).to_be_visible()
    assert httpx2.post(live_service.base_url + TARGET, json=IDS, headers=headers).status_code == 200
    live_service.rows("UPDATE exchange_platform SET tolerance_seconds = 300 WHERE name = 'mindcloud' RETURNING 1")


@in_both_looks
def test_a_setting_by_which_calls_that_hold_are_refused_needs_a_tick(
    console: Page, live_service: LiveService, look: str
):
    secret = live_service.secret("mindcloud-signing-secret").encode()
    stray = sign(
        method="POST",
        path=TARGET,
        timestamp=str(int(time.time())),
        profile=Profile(lower_case_method=True),
        secret=secret,
    )
    assert httpx2.post(live_service.base_url + TARGET, json=IDS, headers=stray).status_code == 401
    live_service.rows("UPDATE keys_signingsecret SET last_used_at = now() WHERE state = 'current' RETURNING 1")
    put_on(console, look)
    [(platform,)] = live_service.rows("SELECT id FROM exchange_platform WHERE name = 'mindcloud'")
    console.goto(f"/admin/exchange/platform/{platform}/debugger/")
    console.get_by_role("link", name="wrong signature").first.click()
    expect(console.get_by_text("Leave it as it is, unless the platform itself")).to_be_visible()
    assert_usable(console)
    console.get_by_role("button", name="Set lower case method to on").click()
    assert live_service.rows("SELECT lower_case_method FROM exchange_platform WHERE name = 'mindcloud'") == [(False,)]
    console.get_by_label("Set it and refuse calls that are signed as now").check()
    console.get_by_role("button", name="Set lower case method to on").click()
    expect(console.get_by_text("The lower case method was off, and is on now.")).to_be_visible()
    live_service.rows("UPDATE exchange_platform SET lower_case_method = false WHERE name = 'mindcloud' RETURNING 1")


def test_an_installation_is_tested_from_its_page(console: Page):
    console.goto("/admin/exchange/installation/")
    console.get_by_role("link", name="install_xyz789").first.click()
    open_more(console).get_by_role("link", name="Test exchange").click()
    expect(console.get_by_text("A credential would be answered")).to_be_visible()
