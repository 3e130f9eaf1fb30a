"""The vendor API's document in a browser: from this server alone, within a policy that allows no inline script."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

BUILT = 30_000  # ms: the page builds itself of 77 operations, with other tests beside it


def test_every_operation_is_shown_and_opens(page: Page):
    response = page.goto("/api/docs/")
    assert response is not None
    assert "script-src 'self';" in response.headers["content-security-policy"]
    expect(page.locator("#operations-end-users-put_end_user")).to_be_visible(timeout=BUILT)
    page.locator("#operations-end-users-put_end_user .opblock-summary-control").click()
    expect(page.get_by_text("Scope:").first).to_be_visible()
    expect(page.locator("#operations-end-users-put_end_user")).to_contain_text("Idempotency-Key")


def test_nothing_is_fetched_from_elsewhere(page: Page):
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or ""))
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible(timeout=BUILT)
    assert hosts <= {"localhost", ""}, hosts


def test_a_call_can_be_tried(page: Page):
    """Without a token it is refused: what counts is that the page may call its own server."""
    page.goto("/api/docs/")
    block = page.locator("#operations-policies-list_policies")
    block.locator(".opblock-summary-control").click(timeout=BUILT)
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_contain_text("urn:credservice:problem:unauthenticated")


def test_it_is_ours_and_dark_where_the_browser_asks_for_it(page: Page):
    page.emulate_media(color_scheme="dark")
    page.goto("/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible(timeout=BUILT)
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(28, 32, 34)"
    page.emulate_media(color_scheme="light")
    expect(page.locator("html.dark-mode")).to_have_count(0)
    for name in ("Console", "OpenAPI document"):
        address = page.get_by_role("link", name=name, exact=True).get_attribute("href")
        assert page.request.get(str(address)).ok, name
