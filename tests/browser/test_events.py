"""The form of an event endpoint, on a desktop and on a phone."""

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import DESKTOP, PHONE
from tests.support.live import LiveService

CUT = "spans => spans.filter(span => span.scrollWidth > span.clientWidth).map(span => span.textContent.trim())"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_type_of_event_is_cut(console: Page, live_service: LiveService, size: ViewportSize):
    console.set_viewport_size(size)
    console.goto(f"{live_service.base_url}/admin/events/eventendpoint/add/")
    labels = console.locator("#id_types label > span")
    assert labels.count() > 10
    assert labels.evaluate_all(CUT) == []
    assert console.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
