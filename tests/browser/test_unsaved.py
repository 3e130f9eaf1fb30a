"""Ask before a page is left with something typed and not saved: each kind of form, after a refused save too."""

import pytest
from playwright.sync_api import Dialog, Page

ADD = "/admin/credentials/credentialpolicy/add/"
START = "/admin/exchange/platform/first-steps/"


def leaves_asking(page: Page, address: str) -> bool:
    asked: list[Dialog] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog)
        dialog.accept()

    page.on("dialog", accept)
    page.goto(address)
    page.remove_listener("dialog", accept)
    return bool(asked)


@pytest.mark.parametrize("address", [ADD, START])
def test_leaving_asks_only_where_something_is_typed(console: Page, address: str):
    console.goto(address)
    assert not leaves_asking(console, "/admin/")
    console.goto(address)
    console.locator("[name=name]").press_sequentially("typed")
    assert leaves_asking(console, "/admin/")


def test_what_was_refused_is_asked_for_as_well(console: Page):
    console.goto(ADD)
    console.locator("[name=name]").press_sequentially("not a name")
    with console.expect_navigation():
        console.get_by_role("button", name="Save", exact=True).click()
    console.locator("[name=name]").click()  # browsers ask for no page that nobody has touched
    assert leaves_asking(console, "/admin/")


def test_the_other_view_says_that_it_drops_what_is_typed(console: Page):
    console.goto(ADD)
    console.locator("[name=name]").press_sequentially("typed")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    console.on("dialog", stay)
    console.get_by_role("link", name="Edit as JSON").click()
    console.remove_listener("dialog", stay)
    assert asked == [
        "The other view shows what is saved: what you typed here is dropped. Save it first, or go on without it?"
    ]
    assert console.locator("[name=name]").input_value() == "typed"
    console.once("dialog", lambda dialog: dialog.accept())  # a second one would be dismissed, and the page stay
    console.get_by_role("link", name="Edit as JSON").click()
    console.wait_for_url("**view=json")
