"""Tells in words what goes wrong in front of a browser: nothing is lost, nothing shown or done twice."""

import re

import pytest
from playwright.sync_api import Page, expect

KEY = "/admin/credentials/credential/"


@pytest.fixture
def static_key(console: Page) -> Page:
    """The page of a credential whose values are entered by a person."""
    console.goto(KEY)
    console.locator("#result_list tbody a", has_text="demo-api-key").first.click()
    return console


def test_replacing_values_never_shows_the_old_ones(static_key: Page) -> None:
    home = static_key.url
    static_key.get_by_role("link", name="Replace values").click()
    expect(static_key.get_by_text("the current ones are not shown")).to_be_visible()
    box = static_key.get_by_label("apiKey")
    expect(box).to_have_value("")
    box.fill("  the-next-key \n")
    static_key.get_by_role("button", name="Replace values").click()
    expect(static_key.get_by_text("The successor is")).to_be_visible()
    static_key.goto(home)
    assert "the-next-key" not in static_key.content()


def test_a_value_over_its_limit_is_told_and_the_rest_kept(console: Page) -> None:
    console.goto("/admin/exchange/platform/first-steps/")
    console.locator("#id_name").fill("has blanks in it")
    console.get_by_role("button", name="Begin").click()
    expect(console.get_by_text(re.compile("Write letters, digits, hyphens and underscores only"))).to_be_visible()
    expect(console.locator("#id_name")).to_have_value("has blanks in it")


def test_the_second_of_two_forms_for_one_credential_does_nothing(static_key: Page) -> None:
    static_key.get_by_role("link", name="Replace values").click()
    other = static_key.context.new_page()
    other.goto(static_key.url)
    for page in (static_key, other):
        page.get_by_label("apiKey").fill("a-key")
        page.get_by_role("button", name="Replace values").click()
    expect(static_key.get_by_text("The successor is")).to_be_visible()
    expect(other.get_by_text("Only an active credential can be rotated")).to_be_visible()
    other.close()


def test_an_id_pasted_with_blanks_is_found(console: Page) -> None:
    console.locator("#console-search").fill("  enduser_456def \t")
    console.locator("#console-search").press("Enter")
    console.wait_for_url("**/exchange/enduser/**")


def test_the_menu_is_reached_and_opened_by_keyboard(console: Page) -> None:
    group = console.locator(".console-menu summary", has_text="Behind the scenes")
    group.focus()
    console.keyboard.press("Enter")
    expect(console.get_by_role("link", name="Data keys").first).to_be_visible()
