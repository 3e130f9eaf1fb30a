"""An object's page: past the menu by keyboard, one act first, the rest in a menu, the exact time on hover."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, open_more
from tests.browser.test_dashboard import faults, paint
from tests.support.live import LiveService


@pytest.fixture
def customer(console: Page) -> Page:
    console.goto("/admin/exchange/enduser/")
    console.locator("#result_list tbody a").first.click()
    expect(console.get_by_role("heading", name="Grants and their credentials")).to_be_visible()
    return console


def test_the_first_tab_leads_past_the_menu(customer: Page) -> None:
    customer.keyboard.press("Tab")
    expect(customer.get_by_role("link", name="Skip to the content")).to_be_focused()
    customer.keyboard.press("Enter")
    expect(customer.locator("#content")).to_be_focused()
    customer.keyboard.press("Tab")
    expect(customer.get_by_role("link", name="Grant a credential")).to_be_focused()


def test_the_menu_opens_by_keyboard(customer: Page) -> None:
    expect(customer.get_by_role("link", name="Suspend")).to_be_hidden()
    customer.locator(".console-more > summary").press("Enter")
    expect(customer.get_by_role("link", name="Suspend")).to_be_visible()
    open_more(customer)
    expect(customer.get_by_role("link", name="Suspend")).to_be_hidden()


def test_escape_closes_the_menu_and_leads_back(customer: Page) -> None:
    more = customer.locator(".console-more > summary")
    more.press("Enter")
    customer.keyboard.press("Tab")
    expect(customer.locator(".console-more a").first).to_be_focused()
    customer.keyboard.press("Escape")
    expect(customer.get_by_role("link", name="Suspend")).to_be_hidden()
    expect(more).to_be_focused()


def test_a_time_tells_the_readers_own_on_hover(customer: Page) -> None:
    time = customer.locator("time.console-moment").first
    expect(time).to_have_attribute("title", re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    time.hover()
    expect(time).to_have_attribute("title", re.compile(r" UTC · .*\d"))


def test_its_id_is_copied(customer: Page) -> None:
    customer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    customer.get_by_role("button", name="Copy").first.click()
    expect(customer.get_by_role("button", name="Copied")).to_be_visible()
    copied = customer.evaluate("navigator.clipboard.readText()")
    assert copied in customer.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_nobody_out(customer: Page, scheme: str) -> None:
    paint(customer, scheme)
    open_more(customer)
    assert faults(customer) == []
    customer.goto(re.sub(r"change/$", "who-saw/", customer.url))
    assert faults(customer) == []
    customer.goto("/admin/credentials/credential/")
    customer.locator("#result_list tbody a").first.click()
    open_more(customer)
    assert faults(customer) == []


def test_an_act_names_what_it_is_about(customer: Page) -> None:
    name = customer.locator(".console-object h2").inner_text()
    customer.goto(customer.url.replace("/change/", "/suspend/"))
    expect(customer.locator(".console-whose")).to_have_text(name)
    customer.set_viewport_size(PHONE)
    expect(customer.locator(".console-whose")).to_have_text(name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_bar_of_actions_can_be_read(console: Page, scheme: str) -> None:
    paint(console, scheme)
    console.goto("/admin/exchange/enduser/")
    console.locator("#result_list tbody .action-select").first.check()
    expect(console.locator("#changelist-actions")).to_be_visible()
    assert faults(console) == []


def test_a_phone_shows_what_can_be_done_without_scrolling_sideways(customer: Page) -> None:
    customer.set_viewport_size(PHONE)
    open_more(customer)
    expect(customer.get_by_role("link", name="Suspend")).to_be_in_viewport()
    width = customer.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_that_a_table_goes_on(customer: Page, scheme: str) -> None:
    """There is a shadow at the edge, until the table is scrolled to its end: of one that has no names for its cells."""
    customer.set_viewport_size(PHONE)
    customer.evaluate("document.querySelectorAll('td[data-label]').forEach((cell) => delete cell.dataset.label)")
    paint(customer, scheme)
    card = customer.locator(".console-wide").first
    card.scroll_into_view_if_needed()
    assert card.evaluate("(shown) => shown.scrollWidth > shown.clientWidth")
    before = _right_edge(card)
    card.evaluate("(shown) => { shown.scrollLeft = shown.scrollWidth; }")
    assert _right_edge(card) != before


def _right_edge(card: Locator) -> bytes:
    """Take a picture of a strip within the border, above the text."""
    box = card.bounding_box()
    assert box is not None
    strip = {"x": box["x"] + box["width"] - 4, "y": box["y"] + 4, "width": 2, "height": 6}
    return card.page.screenshot(clip=strip)  # type: ignore[arg-type] # it has the four keys


def test_who_saw_its_secrets_is_shown_whole(customer: Page, live_service: LiveService) -> None:
    columns = "at, action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail"
    live_service.rows(
        f"INSERT INTO audit_auditevent ({columns}) SELECT now(), 'exchange.credential', 'granted',"
        " '', 'platform:p' || n, 'credential', 'c', %s, '127.0.0.1', '', '{}'"
        " FROM generate_series(1, 12) AS n RETURNING id",
        f"end_user:{customer.url.split('/')[-3]}",
    )
    customer.goto(re.sub(r"change/$", "who-saw/", customer.url))
    table = customer.get_by_role("region", name="Who could have seen it")
    assert table.evaluate("(shown) => shown.scrollHeight <= shown.clientHeight + 1")
    row = table.get_by_role("row").filter(has_text="platform p12")
    assert row.evaluate("(shown) => shown.offsetHeight") < 60


def switch(customer: Page, act: str) -> None:
    """Suspend it, or resume it, which leads back to its page."""
    customer.goto(re.sub(r"change/$", f"{act}/", customer.url))
    customer.locator("[name=why]").fill("Ticket 4711, which the customer opened because of unpaid bills")
    customer.get_by_role("button", name=act.capitalize()).click()
    expect(customer.get_by_role("heading", name="Grants and their credentials")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_suspended_says_why_beside_its_state(customer: Page, scheme: str) -> None:
    paint(customer, scheme)
    switch(customer, "suspend")
    said = customer.locator(".console-object-name").get_by_text(re.compile("Suspended since .* UTC by .*: Ticket 4711"))
    expect(said).to_be_visible()
    assert faults(customer) == []
    customer.set_viewport_size(PHONE)
    assert customer.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    switch(customer, "resume")
    expect(said).to_be_hidden()
