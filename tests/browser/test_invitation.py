"""An invitation's link, in a browser: the code behind its # makes the account, and no request has it in its address."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import watched
from tests.support.live import LiveService


def test_a_colleague_is_invited_and_makes_an_account(
    console: Page, browser: Browser, live_service: LiveService
) -> None:
    console.goto("/admin/accounts/invitation/add/")
    console.get_by_label("Invited").fill("Bob")
    console.get_by_label("Viewer").check()
    console.locator("input[name=_save], button[name=_save]").first.click()
    link = console.locator("#shown-1").inner_text()
    context = browser.new_context(base_url=live_service.base_url)
    page = context.new_page()
    faults, addresses = watched(page), []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(link)
    page.get_by_label("Username").fill("bob-in-a-browser")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("a-long-new-pass-phrase")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    assert not [address for address in addresses if "csi_" in address]
    assert faults == []
    context.close()
