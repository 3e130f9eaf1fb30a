"""An operator comes by a real OpenID Connect provider, in a real browser: the content policy lets both ways be."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_more
from tests.support.live import LiveService, own_database
from tests.support.oidc import ALIAS, SECRET, running


@pytest.fixture(scope="module")
def live_service() -> Iterator[LiveService]:
    with own_database() as url, tempfile.TemporaryDirectory(prefix="credservice-live-") as folder:
        service = LiveService(Path(folder), url)
        with running(f"{service.base_url}/admin/account/provider/{ALIAS}/callback/") as provider:
            roles = {"cred-ops": ["Secrets manager"]}
            settings = {"OIDC_PROVIDERS": json.dumps(provider.settings(roles=roles)), "OIDC_CORP_CLIENT_SECRET": SECRET}
            service.environment |= settings
            service.set_up()
            service.manage("collectstatic", "--no-input").check_returncode()
            service.start()
            yield service
            service.stop()


def sign_in_there(page: Page) -> None:
    page.locator("[name=login]").fill("ann")
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
