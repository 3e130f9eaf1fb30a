"""An invitation's link, in a browser: the code behind its # makes the account, and no request has it in its address."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, watched
from tests.browser.test_dashboard import faults, paint
from tests.support.live import LiveService

in_both_looks = pytest.mark.parametrize("look", ["light on a desktop", "dark on a phone"])


def invite(console: Page, name: str) -> str:
    """Make an invitation: its link."""
    console.goto("/admin/accounts/invitation/add/")
    console.get_by_label("Invited").fill(name)
    console.get_by_label("Viewer").check()
    console.locator("input[name=_save], button[name=_save]").first.click()
    return console.locator("#shown-1").inner_text()


def test_a_colleague_is_invited_and_makes_an_account(
    console: Page, browser: Browser, live_service: LiveService
) -> None:
    link = invite(console, "Bob")
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


def test_the_link_is_opened_again_after_a_name_that_is_taken(
    console: Page, browser: Browser, live_service: LiveService, operator: tuple[str, str]
) -> None:
    """Over a page that was posted a browser only changes what follows the #; reloaded, it would name no origin."""
    link = invite(console, "Dora")
    context = browser.new_context(base_url=live_service.base_url)
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Username").fill(operator[0].title())
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("a-long-new-pass-phrase")
    page.get_by_role("button", name="Make my account").click()
    taken = page.get_by_text("This is taken already: write another.")
    expect(taken).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value(operator[0].title())
    page.goto(link)
    expect(taken).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Make my account")).to_be_visible()
    expect(page).to_have_url(f"{live_service.base_url}/admin/account/invitation/")
    context.close()


def test_a_second_link_opens_its_own_invitation(console: Page, browser: Browser, live_service: LiveService) -> None:
    first, second = invite(console, "Erik"), invite(console, "Fay")
    context = browser.new_context(base_url=live_service.base_url)
    page = context.new_page()
    for link in (first, second, second):
        page.goto(link)
        expect(page.get_by_label("Username")).to_be_visible()
        expect(page).to_have_url(f"{live_service.base_url}/admin/account/invitation/")
    page.get_by_label("Username").fill("fay-in-a-browser")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("a-long-new-pass-phrase")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    expect(page).to_have_url(f"{live_service.base_url}/admin/account/")
    console.goto("/admin/accounts/invitation/")
    expect(console.get_by_role("row").filter(has_text="Fay")).to_contain_text("fay-in-a-browser")
    context.close()


def put_on(page: Page, look: str) -> None:
    paint(page, look.partition(" ")[0])
    page.set_viewport_size(PHONE if look.endswith("phone") else DESKTOP)


def assert_usable(page: Page) -> None:
    """Find nothing that keeps somebody out, and nothing wider than the window."""
    assert faults(page) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@in_both_looks
def test_no_page_of_an_invitation_keeps_anybody_out(
    console: Page, browser: Browser, live_service: LiveService, look: str
) -> None:
    put_on(console, look)
    for path in ("invitation/", "invitation/add/"):
        console.goto(f"/admin/accounts/{path}")
        assert_usable(console)
    console.get_by_label("Invited").fill("Carol")
    for role in ("Viewer", "Secrets manager"):
        console.get_by_label(role).check()
    console.locator("input[name=_save], button[name=_save]").first.click()
    link = console.locator("#shown-1").inner_text()
    assert_usable(console)
    console.goto("/admin/accounts/invitation/")
    assert_usable(console)
    console.get_by_role("link", name="Carol").first.click()
    assert_usable(console)
    context = browser.new_context(base_url=live_service.base_url)
    page = context.new_page()
    put_on(page, look)
    page.goto("/admin/account/invitation/")
    assert_usable(page)
    page.get_by_role("button", name="Continue").click()  # without a code
    assert_usable(page)
    page.goto(link)
    page.get_by_label("Username").fill("carol")
    assert_usable(page)
    page.get_by_role("button", name="Make my account").click()  # without a password
    expect(page.get_by_text("This field is required.").first).to_be_visible()
    assert_usable(page)
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("a-long-new-pass-phrase")
    page.get_by_label("Username").fill(f"carol {look}".replace(" ", "-"))
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    assert_usable(page)
    context.close()
