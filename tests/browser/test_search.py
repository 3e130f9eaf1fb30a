"""The search box by keyboard, on every page."""

import pytest
from playwright.sync_api import Page, expect

BOX = "Search by any id, name, or a pasted credential"


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_a_key_leads_to_it_and_enter_finds(console: Page, key: str) -> None:
    console.keyboard.press(key)
    box = console.get_by_label(BOX)
    expect(box).to_be_focused()
    console.keyboard.type("int_abc123")
    console.keyboard.press("Enter")
    console.wait_for_url("**/admin/exchange/integration/*/change/")


def test_a_slash_in_a_field_is_a_slash(console: Page) -> None:
    console.goto("/admin/exchange/platform/add/")
    name = console.locator("[name=name]")
    name.press("/")
    expect(name).to_have_value("/")


def test_tab_reaches_it(console: Page) -> None:
    for _ in range(60):
        console.keyboard.press("Tab")
        if console.evaluate("document.activeElement.id") == "console-search":
            return
    pytest.fail("60 tabs do not lead to the search box")


def test_what_was_pasted_stands_nowhere(console: Page) -> None:
    console.get_by_label(BOX).fill("  a-secret-that-nobody-knows-0123456789 ")
    console.keyboard.press("Enter")
    expect(console.get_by_role("status")).to_contain_text("No results")
    assert "a-secret" not in console.url + console.content()


def test_several_are_listed(console: Page) -> None:
    console.get_by_label(BOX).fill("m")
    console.keyboard.press("Enter")
    expect(console.get_by_role("heading", name="Platforms")).to_be_visible()
