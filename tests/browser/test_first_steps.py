"""From the console's first page to a first exchange, by what the pages say alone."""

import shlex

import httpx2
from playwright.sync_api import Page, expect

from tests.support.live import LiveService


def test_first_steps_lead_to_a_first_exchange(console: Page, operator: tuple[str, str], live_service: LiveService):
    console.get_by_role("link", name="First steps", exact=True).click()
    console.locator(".console-opening-start a").first.click()
    console.locator("#id_name").fill("browser-platform")
    console.get_by_role("button", name="Begin").click()
    expect(console.get_by_role("heading", name="Signing secret")).to_be_visible()
    console.get_by_role("link", name="Continue").click()
    console.get_by_label("integrationId").fill("int_browser")
    console.get_by_role("button", name="Continue").click()
    console.get_by_label("endUserId").fill("enduser_browser")
    console.get_by_label("This customer's credential").fill("the-customers-key")
    console.get_by_role("button", name="Continue").click()
    console.get_by_label("Your password").fill(operator[1])
    console.get_by_role("button", name="Show a signed call").click()
    command = console.locator("pre", has_text="curl").inner_text()
    answer = _run(command)
    assert answer.json() == {"apiKey": "the-customers-key"}
    # The page sees the call by itself.
    expect(console.get_by_text("It works.")).to_be_visible(timeout=10_000)


def _run(command: str) -> httpx2.Response:
    """What the curl command sends."""
    words = shlex.split(command.replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    return httpx2.post(words[3], content=words[words.index("-d") + 1], headers=headers)
