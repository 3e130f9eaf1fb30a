"""The service's documents in a browser: read by everybody, light and dark, on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.test_dashboard import faults, paint

LONG = ("", "operating/", "console/", "protocols/mindcloud/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out_or_is_wider_than_a_phone(console: Page, scheme: str) -> None:
    paint(console, scheme)
    console.set_viewport_size(PHONE)
    found = {}
    for name in LONG:
        console.goto(f"/admin/docs/{name}")
        expect(console.get_by_role("heading", level=1)).to_have_count(1)
        wide = console.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[name] = [*faults(console), *(["it is wider than the window"] if wide else [])]
    assert {name: of_page for name, of_page in found.items() if of_page} == {}


def test_a_reader_finds_a_page_and_a_place_in_it(console: Page) -> None:
    console.goto("/admin/docs/")
    console.get_by_role("link", name="Operating", exact=True).click()
    console.get_by_text("On this page").click()
    console.get_by_role("link", name="Backup and restore").first.click()
    expect(console.get_by_role("heading", name="Backup and restore", level=2)).to_be_in_viewport()
    console.goto("/admin/docs/console/")
    picture = console.get_by_role("main").get_by_role("img").first
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 0
