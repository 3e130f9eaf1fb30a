"""From the console's first page to a first exchange, by what the pages say alone."""

import re
import shlex
import subprocess

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
    console.get_by_role("button", name="Add a field").click()
    console.get_by_label("Name", exact=True).last.fill("tenant")
    console.get_by_label("Holds").last.select_option("Customer's attribute")
    shown = console.get_by_role("status", name="What the platform will get")
    console.get_by_label("Text, or other name").last.fill("external_id")
    expect(shown).to_contain_text('"tenant": "…"')
    console.get_by_role("button", name="Continue").click()
    console.get_by_label("endUserId").fill("enduser_browser")
    console.get_by_label("Your own id of this customer").fill("cust-browser")
    console.get_by_label("apiKey").fill("the-customers-key")
    console.get_by_role("button", name="Continue").click()
    console.get_by_label("Your password").fill(operator[1])
    console.get_by_role("button", name="Show a signed call").click()
    command = console.locator("pre", has_text="curl").inner_text()
    answer = _run(command)
    assert answer.json() == {"apiKey": "the-customers-key", "tenant": "cust-browser"}
    # The page sees the call by itself.
    expect(console.get_by_text("It works.")).to_be_visible(timeout=10_000)


def test_a_fault_of_the_answer_is_told_once_and_marks_its_cell(console: Page):
    _begin(console, "wrong-cell")
    console.get_by_label("integrationId").fill("int_cell")
    console.get_by_label("Text, or other name").fill("my tenant")
    console.get_by_role("button", name="Continue").click()
    shown = console.get_by_role("status", name="What the platform will get")
    expect(console.get_by_text("“my tenant” is not a name")).to_have_count(1)
    expect(shown).to_have_text("")
    colors = [console.get_by_label(name, exact=True).evaluate("cell => getComputedStyle(cell).borderColor")
              for name in ("Name", "Holds", "Text, or other name")]  # fmt: skip
    assert colors[0] == colors[1] != colors[2]
    console.get_by_label("Text, or other name").fill("my key")
    expect(shown).to_contain_text("“my key” is not a name")
    expect(console.get_by_text("“my tenant” is not a name")).to_have_count(0)
    expect(console.locator(".errors, [data-row-table] [aria-invalid]")).to_have_count(0)
    console.get_by_label("Text, or other name").fill("my tenant")
    expect(shown).to_contain_text("“my tenant” is not a name")
    console.get_by_label("Text, or other name").fill("tenant")
    expect(shown).to_contain_text('"apiKey": "••••')
    expect(console.get_by_text("is not a name")).to_have_count(0)
    assert (
        console.get_by_label("Text, or other name").evaluate("cell => getComputedStyle(cell).borderColor") == colors[0]
    )


def test_a_fault_of_two_fields_together_goes_when_either_is_mended(console: Page):
    _begin(console, "two-faults")
    console.get_by_label("integrationId").fill("int\u00a0two")
    console.get_by_role("button", name="Add a field").click()
    console.get_by_label("Name", exact=True).last.fill("second")
    console.get_by_label("are one API key").check()
    console.get_by_role("button", name="Continue").click()
    fault = console.get_by_text("The API key is one secret")
    expect(fault).to_have_count(1)
    expect(console.locator(".errors")).to_have_count(2)
    console.get_by_label("Holds").last.select_option("Fixed text")
    console.get_by_label("Text, or other name").last.fill("eu")
    expect(console.get_by_role("status", name="What the platform will get")).to_contain_text('"second": "eu"')
    expect(fault).to_have_count(0)
    expect(console.locator(".errors")).to_have_count(1)  # what is wrong with the id is still to mend


def test_first_steps_lead_to_a_first_binding(console: Page, live_service: LiveService):
    console.goto("/admin/first-steps/")
    console.get_by_label("Connect an Open Service Broker platform").get_by_role("link").click()
    console.locator("#id_name").fill("browser-broker")
    console.get_by_role("button", name="Begin").click()
    password = console.locator("#shown-3").inner_text()
    console.get_by_role("link", name="Continue").click()
    console.get_by_label("Product").fill("queue")
    console.get_by_label("Plan").fill("small")
    console.get_by_role("button", name="Continue").click()
    # The page tells of a refused call by itself, and leads on.
    wrong = ("browser-broker", "not-the-password")
    httpx2.get(f"{live_service.base_url}/osb/browser-broker/v2/catalog", auth=wrong)
    expect(console.get_by_text(re.compile("The last call was refused at .*: wrong password"))).to_be_visible()
    expect(console.get_by_role("link", name="See it in the trail")).to_be_visible()
    script = console.locator("pre", has_text="curl").inner_text().replace("export PASSWORD=...", f"PASSWORD={password}")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=True)
    assert '"API_KEY": "' in done.stdout.splitlines()[-1]  # each answer is on a line of its own
    expect(console.get_by_text("It works.")).to_be_visible(timeout=10_000)


def _begin(console: Page, name: str) -> None:
    """Go to the second step, which asks for the answer."""
    console.goto("/admin/exchange/platform/first-steps/")
    console.get_by_role("button", name="Begin").click()  # the browser asks for the name itself
    console.locator("#id_name").fill(name)
    console.get_by_role("button", name="Begin").click()
    console.get_by_role("link", name="Continue").click()


def _run(command: str) -> httpx2.Response:
    """Find what the curl command sends."""
    words = shlex.split(command.replace("\\\n", " "))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    return httpx2.post(words[3], content=words[words.index("-d") + 1], headers=headers)
