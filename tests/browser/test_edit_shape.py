"""The answer, shown while its shape is typed."""

import re

from playwright.sync_api import Page, expect


def test_the_answer_follows_what_is_typed(console: Page):
    console.goto("/admin/exchange/integration/")
    console.get_by_role("link", name="The document's example").first.click()
    console.get_by_role("link", name="Edit the answer").first.click()
    answer = console.get_by_role("status", name="What the platform will get")
    expect(answer).to_contain_text("••••")
    console.get_by_role("button", name="Add a field").click()
    console.get_by_label("Name", exact=True).last.fill("tenant")
    console.get_by_label("Holds").last.select_option("Customer's attribute")
    console.get_by_label("Text, or other name").last.fill("none")
    expect(answer).to_contain_text("the customer has no attribute 'none'")
    console.get_by_label("Text, or other name").last.fill("external_id")
    expect(answer).to_contain_text('"tenant": "customer-1"')
    console.get_by_role("button", name="Save").click()
    tick = console.get_by_label("Save it and change these answers")
    expect(tick).to_be_visible()
    expect(console.get_by_text("tenant is new.")).to_have_count(1)  # beside the tick alone
    tick.check()
    # The tick is for what was sent: with something else typed, it goes, and what would change is said anew.
    console.get_by_label("Name", exact=True).last.fill("account")
    expect(console.get_by_text("account is new.")).to_have_count(1)
    expect(tick).to_have_count(0)


def test_the_answer_follows_the_policy_that_is_chosen(console: Page):
    console.goto("/admin/exchange/integration/")
    console.get_by_role("link", name="The document's example").first.click()
    console.get_by_role("link", name="Edit the answer").first.click()
    handed = console.get_by_text(re.compile(r"Shown with the credential that install_\w+ is handed now\."))
    expect(handed).to_be_visible()  # of the newest: other tests may have made one
    console.get_by_label("Policy").select_option("bear-key")
    answer = console.get_by_role("status", name="What the platform will get")
    expect(answer).to_contain_text("it makes BEAR_API_KEY")
    console.get_by_label("Text, or other name").first.fill("BEAR_API_KEY")
    expect(answer).to_contain_text("is handed now has no value BEAR_API_KEY. One that the policy bear-key makes has it")
    console.once("dialog", lambda dialog: dialog.accept())  # what was typed is dropped
    console.get_by_role("link", name="Edit as JSON").click()
    expect(console.get_by_label("Response shape")).to_contain_text("$credential.apiKey")
