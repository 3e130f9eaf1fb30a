"""The page of a resource in a browser: a marketplace's user clicks, looks, shows, copies and leaves."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.provisioning.sso.served import market_of


@pytest.fixture(scope="module")
def market(live_service):
    with market_of(live_service) as market:
        yield market


@pytest.fixture
def resource_id(market):
    return market.order(age=2, hat_color="red", ready=True)


@pytest.fixture
def value(market, resource_id):
    return market.credential(resource_id)


@pytest.fixture
def opened(page, market, resource_id, value):
    """The page, as a click in the marketplace's dashboard opens it."""
    page.goto(market.link(resource_id))
    page.wait_for_url(f"**/resources/{resource_id}")
    return page


def test_a_click_in_the_marketplace_opens_the_resource(opened):
    expect(opened.get_by_role("heading", level=1)).to_have_text("Bear")
    for words in ("Ursa Minor", "Global", "Hat color", "red", "Active", "Jars of honey", "check-provider@example.com"):
        expect(opened.get_by_text(words).first).to_be_visible()


def test_a_value_is_shown_by_a_click_and_hidden_by_the_next(opened, value):
    assert value not in opened.content()
    opened.get_by_role("button", name="Show").click()
    expect(opened.get_by_text(value)).to_be_visible()
    opened.get_by_role("button", name="Hide").click()
    expect(opened.get_by_text(value)).to_have_count(0)
    assert value not in opened.content()


def test_a_value_is_copied_by_a_click_without_being_shown(opened, context, value):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.get_by_role("button", name="Copy BEAR_API_KEY").click()
    expect(opened.get_by_text("BEAR_API_KEY is copied.")).to_be_visible()
    assert opened.evaluate("navigator.clipboard.readText()") == value
    assert value not in opened.content()


def test_a_clipboard_that_may_not_be_written_leaves_the_value_selected(opened, value):
    opened.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    opened.get_by_role("button", name="Copy BEAR_API_KEY").click()
    expect(opened.get_by_text("Selected: press Ctrl-C.")).to_be_visible()
    assert opened.evaluate("getSelection().toString()") == value


def test_showing_and_copying_are_in_the_trail(opened, live_service, resource_id):
    opened.get_by_role("button", name="Show").click()
    opened.get_by_role("button", name="Hide").wait_for()
    opened.get_by_role("button", name="Copy BEAR_API_KEY").click()
    expect(opened.get_by_role("status")).not_to_be_empty()
    asked = "SELECT action FROM audit_auditevent WHERE detail->>'resource' = %s ORDER BY id DESC LIMIT 2"
    assert live_service.rows(asked, resource_id) == [("credential.copied",), ("credential.revealed",)]


def test_it_says_so_where_the_marketplace_cannot_be_asked(opened, market, resource_id, value):
    from provisioning.checker.connector.answers import Answer

    with market.connector.failing(f"/v1/resources/{resource_id}", Answer(500)):
        opened.get_by_role("button", name="Show").click()
        expect(opened.get_by_text("cannot be asked now")).to_be_visible()
    assert value not in opened.content()


def test_a_session_that_is_over_ends_on_the_page_that_says_so(opened, context):
    context.clear_cookies()
    opened.get_by_role("button", name="Show").click()
    expect(opened.get_by_role("heading", name="Please sign on again")).to_be_visible()


def test_the_user_signs_out(opened, resource_id):
    opened.get_by_role("button", name="Sign out").click()
    expect(opened.get_by_role("heading", name="You are signed out")).to_be_visible()
    opened.goto(f"/resources/{resource_id}")
    expect(opened.get_by_role("heading", name="Please sign on again")).to_be_visible()


def test_a_link_is_good_once(page, market, resource_id):
    link = market.link(resource_id)
    page.goto(link)
    page.goto(link)
    expect(page.get_by_role("heading", name="Please sign on again")).to_be_visible()


def test_it_works_without_a_script(browser, market, resource_id, value):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(market.link(resource_id))
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(value)).to_be_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_accessible_and_fits(opened, size, scheme):
    opened.set_viewport_size(size)
    opened.emulate_media(color_scheme=scheme)
    opened.get_by_role("button", name="Show").click()
    opened.get_by_role("button", name="Hide").wait_for()
    assert_sound(opened)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_every_failure_is_accessible_and_fits(page, scheme):
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    page.goto("/v1/sso?code=no&resource_id=no")
    assert_sound(page)


def assert_sound(page):
    """Nothing that axe finds, and nothing wider than the window."""
    results = Axe().run(page)
    assert results.violations_count == 0, re.sub(r"\n\s*\n", "\n", results.generate_report())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
