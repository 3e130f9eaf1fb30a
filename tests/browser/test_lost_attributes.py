"""A customer's page asks before an attribute goes that answers hold, and says afterwards who gets none."""

from playwright.sync_api import Page, expect


def test_a_tick_is_asked_for_and_the_page_says_what_is_missing(console: Page):
    console.goto("/admin/exchange/enduser/")
    console.get_by_role("link", name="Example Customer").first.click()
    console.get_by_label("Attributes").fill("{}")
    console.get_by_role("button", name="Save", exact=True).click()
    tick = console.get_by_label("Save it though some get no answer")
    expect(tick).to_be_visible()
    expect(console.get_by_text("(the customer has no attribute region)")).to_be_visible()
    tick.check()
    console.get_by_role("button", name="Save", exact=True).click()
    console.get_by_role("link", name="Example Customer").first.click()
    needed = console.get_by_role("link", name="gets no answer: the customer has no attribute region").first
    needed.click()
    attributes = console.get_by_label("Attributes")
    expect(attributes).to_be_in_viewport()
    attributes.fill('{"region": "eu-central"}')
    console.get_by_role("button", name="Save", exact=True).click()
    console.get_by_role("link", name="Example Customer").first.click()
    expect(needed).to_have_count(0)
