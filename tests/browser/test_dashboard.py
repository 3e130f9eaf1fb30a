"""The console's first page and its lists and pages in a browser: usable by everybody, light and dark, on a phone."""

from collections.abc import Iterator

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.support.concurrency import until
from tests.support.live import LiveService

LISTS = (
    "exchange/platform",
    "exchange/enduser",
    "exchange/installation",
    "exchange/grant",
    "credentials/credential",
    "provisioning/resource",
    "audit/auditevent",
    "console/job",
)

PAGES = ("", "search/", *(f"{name}/" for name in LISTS))


def faults(page: Page) -> list[str]:
    """List what axe finds that keeps somebody out; its "moderate" ones are about landmarks of Unfold's frame."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def paint(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(console: Page, scheme: str) -> None:
    paint(console, scheme)
    found = {}
    for path in PAGES:
        console.goto(f"/admin/{path}")
        found[path] = faults(console)
    console.goto("/admin/exchange/platform/")
    console.get_by_role("link", name="mindcloud", exact=True).click()
    expect(console.get_by_role("heading", name="Integrations")).to_be_visible()
    found["a platform"] = faults(console)
    assert {path: of_page for path, of_page in found.items() if of_page} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sign_in_keeps_nobody_out(page: Page, scheme: str) -> None:
    paint(page, scheme)
    page.goto("/admin/")
    assert faults(page) == []


def test_a_phone_need_not_scroll_sideways(console: Page) -> None:
    console.set_viewport_size(PHONE)
    for path in PAGES:
        console.goto(f"/admin/{path}")
        assert console.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def test_the_calls_of_a_platform_fit_a_phone(console: Page, live_service: LiveService) -> None:
    httpx2.post(f"{live_service.base_url}/credential-exchange/mindcloud", json={})
    console.set_viewport_size(PHONE)
    calls = console.get_by_role("table", name="Exchanges by platform")
    until(lambda: bool(console.goto("/admin/")) and calls.count() == 1)
    wide = "each => [each.parentElement.scrollWidth, each.parentElement.clientWidth]"
    wider, place = calls.evaluate(wide)
    assert wider <= place


@pytest.fixture
def long_hint(live_service: LiveService) -> Iterator[None]:
    """A credential that rotates next, whose hint is as long as one may be."""
    soonest = "SELECT id FROM credentials_credential WHERE state = 'active' ORDER BY rotates_at LIMIT 1"
    (key, hint, rotates_at), *_ = live_service.rows(
        f"SELECT id, hint, rotates_at FROM credentials_credential WHERE id = ({soonest})"
    )
    write = "UPDATE credentials_credential SET hint = %s, rotates_at = {} WHERE id = %s RETURNING id"
    live_service.rows(write.format("now() + interval '3 hours'"), "cs_587b684b" + "0" * 53, key)
    yield
    live_service.rows(write.format("%s"), hint, rotates_at, key)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.usefixtures("long_hint")
def test_a_long_hint_stays_in_its_place(console: Page, size: ViewportSize) -> None:
    console.set_viewport_size(size)
    console.goto("/admin/")
    card = console.get_by_role("region", name="Expires or rotates next").locator(".console-card")
    expect(card.get_by_role("link", name="cs_587b684b")).to_be_visible()
    wider, place = card.evaluate("card => [card.scrollWidth, card.clientWidth]")
    assert wider <= place
    assert console.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_filters_take_the_focus_and_give_it_back(console: Page) -> None:
    console.goto("/admin/credentials/credential/")
    opener, panel = console.get_by_role("button", name="Filters"), console.get_by_role("dialog", name="Filters")
    for _ in range(2):
        opener.press("Enter")
        expect(panel).to_be_visible()
        for _ in range(25):  # once round
            assert console.evaluate("document.getElementById('changelist-filter').contains(document.activeElement)")
            console.keyboard.press("Tab")
        console.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(opener).to_be_focused()
    opener.press("Enter")
    expect(panel).to_be_visible()
    first = console.evaluate_handle("document.activeElement")
    console.keyboard.press("Shift+Tab")
    expect(panel.get_by_role("button", name="Apply Filters")).to_be_focused()
    console.keyboard.press("Tab")
    assert console.evaluate("first => first === document.activeElement", first)
    assert faults(console) == []


def test_what_needs_an_operator_leads_there(console: Page) -> None:
    console.set_viewport_size(DESKTOP)
    needs = console.get_by_role("region", name="Needs attention").get_by_role("link")
    needs.filter(has_text="No worker runs").click()
    console.wait_for_url("**/admin/console/job/**")


def test_a_warning_leads_to_the_field_that_mends_it(console: Page) -> None:
    console.get_by_role("link", name="lets users sign on to resources").click()
    field = console.get_by_label("404 at sign-on")
    expect(field).to_be_in_viewport()
    expect(field).to_be_focused()


def test_the_proof_leads_back_to_the_field(console: Page) -> None:
    link = console.get_by_role("link", name="lets users sign on to resources").get_attribute("href") or ""
    # The button of who has to confirm first: of who has just signed in, the page has none.
    edit = f"/admin/account/confirm/?next={link.partition('#')[0]}"
    console.add_init_script(
        f"""addEventListener("DOMContentLoaded", () => {{
            if (location.hash) document.body.insertAdjacentHTML("afterbegin", '<a id="edit" href="{edit}">Edit</a>');
        }})"""
    )
    console.goto(link)
    console.locator("#edit").dispatch_event("click")
    console.wait_for_url(f"**{link}")
    expect(console.get_by_label("404 at sign-on")).to_be_focused()


def test_a_field_in_a_tab_is_brought_into_sight(console: Page) -> None:
    console.goto("/admin/exchange/platform/")
    link = console.get_by_role("link", name="mindcloud", exact=True).get_attribute("href")
    console.goto(f"{link}#field-require_signature")
    expect(console.locator("#id_require_signature")).to_be_in_viewport()


def test_on_a_phone_a_row_is_a_card_whose_name_is_a_link(console: Page) -> None:
    console.set_viewport_size(PHONE)
    console.goto("/admin/exchange/platform/")
    row = console.locator("#result_list .data-row").first
    shown = "(cell, name) => getComputedStyle(cell, '::before')[name]"
    assert row.locator(".action-checkbox").evaluate(shown, "content") == "none"
    assert row.locator(".field-shown_approval").evaluate(shown, "content") == '"New installations"'
    assert row.locator(".field-shown_approval").evaluate(shown, "textTransform") == "none"
    name = row.get_by_role("link", name="mindcloud", exact=True)
    assert name.evaluate("(link) => getComputedStyle(link).textDecorationLine") == "underline"
    assert row.locator("th").get_attribute("data-label") == "Name"
    name.click()
    expect(console.get_by_role("heading", name="mindcloud", exact=True, level=2)).to_be_visible()


@pytest.fixture
def called(live_service: LiveService, console: Page) -> Page:
    """The first page, once a partner has called: before that it shows no plots."""
    counted = "INSERT INTO statistics_tally (hour, series, name, count, written_at)"
    live_service.rows(
        f"{counted} VALUES (date_trunc('hour', now()), 'exchange', 'granted', 1, now()) ON CONFLICT DO NOTHING "
        "RETURNING name"
    )
    console.reload()
    return console


def test_the_period_of_the_plots_changes(called: Page) -> None:
    called.get_by_role("link", name="7 days").click()
    expect(called.get_by_role("heading", name="Exchanges in the last 7 days")).to_be_visible()


def test_a_plot_is_a_table_as_well(called: Page) -> None:
    called.get_by_text("As a table").first.click()
    expect(called.get_by_role("table", name="Exchanges per hour")).to_be_visible()
