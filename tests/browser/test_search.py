"""The search box by keyboard, on every page."""

import pytest
from playwright.sync_api import Page, expect

BOX = "Search by any id, name, or a pasted credential"


LIST = "/admin/credentials/credential/"


@pytest.mark.parametrize("key", ["/", "Control+k"])
@pytest.mark.parametrize("start", ["/admin/", LIST])
def test_a_key_leads_to_it_and_enter_finds(console: Page, start: str, key: str) -> None:
    console.goto(start)
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


@pytest.mark.parametrize(
    "pasted",
    ["acme_demo_LY35V9j5bhUNoJs5XCfiDXGyabcdef123456", "Authorization: Bearer LY35V9j5bhUNoJs5XCfiDXGy", "0f" * 32],
)
def test_a_key_in_a_lists_box_is_sent_to_it(console: Page, pasted: str) -> None:
    console.goto(LIST)
    asked: list[str] = []
    console.on("request", lambda request: asked.append(request.url))
    console.locator("#searchbar").fill(pasted)
    console.keyboard.press("Enter")
    expect(console.get_by_role("status")).to_contain_text("No ")
    assert asked
    assert not [address for address in asked if "?q=" in address]


@pytest.mark.parametrize("term", ["Example Customer", "acme_demo_…P3qM", "520e48d5-9679-4f2d-9938-116a617e0720"])
def test_other_text_is_the_lists_own(console: Page, term: str) -> None:
    console.goto(LIST)
    console.locator("#searchbar").fill(term)
    console.keyboard.press("Enter")
    console.wait_for_url("**?q=*")
    expect(console.locator("#searchbar")).to_have_value(term)


def test_a_list_that_finds_nothing_names_it(console: Page) -> None:
    console.goto(f"{LIST}?q=nothing-has-this-name")
    expect(console.get_by_text("Looking for a key? Use the search at the top.")).to_be_visible()
