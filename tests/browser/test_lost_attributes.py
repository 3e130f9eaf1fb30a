"""A customer's page asks before an attribute goes that answers hold, and says afterwards who gets none."""

from playwright.sync_api import Page, expect


def test_a_tick_is_asked_for_and_the_page_says_what_is_missing(console: Page):
    console.goto("/admin/exchange/enduser/")
    console.get_by_role("link", name="Example Customer").first.click()
    before = console.get_by_label("Name", exact=True).last.input_value()
    assert before == "region"
    console.get_by_role("button", name="Remove this row").click()
    console.get_by_role("button", name="Save", exact=True).click()
    tick = console.get_by_label("Save it though some get no answer")
    expect(tick).to_be_visible()
    expect(console.get_by_text("(the customer has no attribute region)")).to_be_visible()
    tick.check()
    console.get_by_role("button", name="Save", exact=True).click()
    console.get_by_role("link", name="Example Customer").first.click()
    needed = console.get_by_role("link", name="gets no answer: the customer has no attribute region").first
    needed.click()
    name = console.locator("[name=attributes-name]")
    expect(name).to_be_in_viewport()
    expect(name).to_be_focused()
    name.fill("region")
    console.get_by_label("Value").fill("eu-central")
    console.get_by_role("button", name="Add an attribute").click()
    name.last.fill("seats")
    console.get_by_label("Kind").last.select_option("Number, true, false or null")
    console.get_by_label("Value").last.fill("5")
    console.get_by_role("button", name="Save", exact=True).click()
    console.get_by_role("link", name="Example Customer").first.click()
    expect(needed).to_have_count(0)
    # The second row goes again, and the first stays.
    console.get_by_role("button", name="Remove this row").last.click()
    console.get_by_role("button", name="Save", exact=True).click()
    console.get_by_role("link", name="Example Customer").first.click()
    expect(name).to_have_count(1)
    expect(name).to_have_value("region")
    expect(console.get_by_label("Value")).to_have_value("eu-central")
