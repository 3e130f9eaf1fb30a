"""The answer, shown while its shape is typed."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import open_more


def test_the_answer_follows_what_is_typed(console: Page):
    console.goto("/admin/exchange/integration/")
    console.locator("#result_list tbody a").first.click()
    open_more(console).get_by_role("link", name="Edit the answer").click()
    answer = console.get_by_role("status", name="The answer")
    expect(answer).to_contain_text("••••")
    console.get_by_label("Response shape").fill('{"tenant": "$end_user.none"}')
    expect(answer).to_contain_text("has no attribute 'none'")
