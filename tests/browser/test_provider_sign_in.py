"""An operator comes by a real OpenID Connect provider, in a real browser: the content policy lets both ways be."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_more
from tests.browser.test_invitation import assert_usable, in_both_looks, put_on
from tests.support.live import LiveService, own_database
from tests.support.oidc import ALIAS, SECRET, running


@pytest.fixture(scope="module")
def live_service() -> Iterator[LiveService]:
    with own_database() as url, tempfile.TemporaryDirectory(prefix="credservice-live-") as folder:
        service = LiveService(Path(folder), url)
        with running(f"{service.base_url}/admin/account/provider/{ALIAS}/callback/") as provider:
            provider.tell("of-no-group", claims={"groups": ["all-staff"]})
            roles = {"cred-ops": ["Secrets manager"]}
            settings = {"OIDC_PROVIDERS": json.dumps(provider.settings(roles=roles)), "OIDC_CORP_CLIENT_SECRET": SECRET}
            service.environment |= settings
            service.set_up()
            service.manage("collectstatic", "--no-input").check_returncode()
            service.start()
            yield service
            service.stop()


def sign_in_there(page: Page, account: str = "ann") -> None:
    page.locator("[name=login]").fill(account)
    page.get_by_role("button", name="Sign in").click()


def test_an_operator_signs_in_and_confirms_there(page: Page) -> None:
    page.goto("/admin/exchange/platform/")
    page.get_by_role("link", name="Sign in with Corp").click()
    sign_in_there(page)
    page.wait_for_url("**/admin/exchange/platform/")
    page.goto("/admin/keys/signingsecret/")
    page.locator("#result_list a").first.click()
    open_more(page).get_by_role("link", name="Reveal").click()
    page.get_by_role("link", name="Confirm at Corp").click()
    sign_in_there(page)
    expect(page.get_by_text("You confirmed at Corp just now.")).to_be_visible()
    page.get_by_label("Reason").fill("a platform lost it")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("Confirm first")).to_have_count(0)


@in_both_looks
def test_no_page_of_those_who_come_so_keeps_anybody_out(page: Page, look: str) -> None:
    put_on(page, look)
    page.goto("/admin/")
    assert_usable(page)
    page.get_by_role("link", name="Sign in with Corp").click()
    sign_in_there(page, "nobody")
    expect(page.get_by_text("Corp did not sign you in: you cancelled it.")).to_be_visible()
    assert_usable(page)
    page.get_by_role("link", name="Sign in with Corp").click()
    sign_in_there(page, "of-no-group")
    expect(page.get_by_text("Your groups have no role here.")).to_be_visible()
    assert_usable(page)
    page.context.clear_cookies()
    page.goto("/admin/exchange/platform/")
    page.get_by_role("link", name="Sign in with Corp").click()
    sign_in_there(page)
    page.wait_for_url("**/admin/exchange/platform/")
    page.goto("/admin/account/")
    assert_usable(page)
    page.goto("/admin/account/confirm/")
    assert_usable(page)
    page.goto("/admin/keys/signingsecret/")
    page.locator("#result_list a").first.click()
    page.goto(f"{page.url.removesuffix('change/')}reveal/")
    assert_usable(page)
    page.get_by_role("link", name="Confirm at Corp").click()
    sign_in_there(page)
    expect(page.get_by_text("You confirmed at Corp just now.")).to_be_visible()
    assert_usable(page)
