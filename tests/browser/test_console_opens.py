"""The console in a browser."""

from playwright.sync_api import Page, expect


def test_it_signs_in_and_shows_the_overview(console: Page):
    expect(console.get_by_role("heading", level=1)).to_be_visible()
