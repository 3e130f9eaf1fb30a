"""Keep what is typed where the session ended meanwhile, in another tab or by itself: nothing is sent, and then all."""

import secrets

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.browser.conftest import OVERVIEW, make_operator, sign_in
from tests.support.live import LiveService

Operator = tuple[str, str]
ADD = "/admin/exchange/enduser/add/"


def sign_out_elsewhere(page: Page, operator: Operator) -> Page:
    other = page.context.new_page()
    other.goto("/admin/")
    other.get_by_text(operator[0]).first.click()
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_text(operator[0])).to_have_count(0)
    return other


def sign_in_elsewhere(page: Page, operator: Operator) -> None:
    """By the link of the notice."""
    with page.context.expect_page() as opened:
        notice(page).get_by_role("link", name="Sign in in a new tab").click()
    sign_in(opened.value, *operator)
    opened.value.wait_for_url(OVERVIEW)
    opened.value.close()


def notice(page: Page) -> Locator:
    return page.get_by_role("alert")


def faults(page: Page) -> list[str]:
    """List what axe finds in the notice, light and dark."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.evaluate("scheme => document.documentElement.classList.toggle('dark', scheme === 'dark')", scheme)
        violations = Axe().run(page, context="[role=alert]").response["violations"]
        found += [f"{scheme} {fault['id']}: {fault['nodes'][0]['html']}" for fault in violations]
    return found


def customers(service: LiveService, name: str) -> int:
    [[count]] = service.rows("SELECT count(*) FROM exchange_enduser WHERE external_id = %s", name)
    return int(count)


def type_customer(page: Page, service: LiveService) -> str:
    [[platform]] = service.rows("SELECT id FROM exchange_platform WHERE name = 'mindcloud'")
    page.goto(f"{ADD}?platform={platform}")
    name = f"cust-{secrets.token_hex(4)}"
    page.locator("[name=end_user_id]").fill(f"enduser_{name}")
    page.locator("[name=external_id]").press_sequentially(name)
    return name


def test_values_are_replaced_as_they_were_typed_after_a_new_sign_in(
    console: Page, operator: Operator, live_service: LiveService
):
    console.goto("/admin/credentials/credential/")
    console.locator("#result_list tbody a", has_text="demo-api-key").first.click()
    console.get_by_role("link", name="Replace values").click()
    old = console.url.split("/credential/")[1].split("/")[0]
    console.get_by_label("apiKey").fill("the-key-after-a-leak")
    console.get_by_label("Revoke now (leaked)").check()
    console.locator("[name=why]").fill("a laptop was lost")
    sign_out_elsewhere(console, operator)
    console.get_by_role("button", name="Replace values").click()
    expect(notice(console)).to_contain_text("You are signed out. Nothing was sent.")
    expect(notice(console)).to_be_focused()
    expect(notice(console)).to_be_in_viewport()
    assert faults(console) == []
    sign_in_elsewhere(console, operator)
    console.get_by_role("button", name="Replace values").dblclick()
    expect(console.get_by_text("The successor is")).to_be_visible()
    expect(console.get_by_text("This form was sent before")).to_have_count(0)
    query = "SELECT old.state, count(*) FROM credentials_credential old JOIN credentials_credential new"
    found = live_service.rows(f"{query} ON new.predecessor_id = old.id WHERE old.id = %s GROUP BY old.state", old)
    assert [tuple(row) for row in found] == [("revoked", 1)]
    told = "SELECT count(*) FROM audit_auditevent WHERE object_id = %s AND detail::text LIKE '%%a laptop was lost%%'"
    [[lines]] = live_service.rows(told, old)
    assert lines > 0


@pytest.mark.parametrize(
    ("button", "leads_to"),
    [("Save", "**/admin/exchange/enduser/"), ("Save and continue editing", "**/admin/exchange/enduser/*/change/*")],
)
def test_the_button_that_was_pressed_is_sent(
    console: Page, operator: Operator, live_service: LiveService, button: str, leads_to: str
):
    name = type_customer(console, live_service)
    sign_out_elsewhere(console, operator)
    console.get_by_role("button", name=button, exact=True).click()
    expect(notice(console)).to_be_visible()
    assert customers(live_service, name) == 0
    sign_in_elsewhere(console, operator)
    console.get_by_role("button", name=button, exact=True).click()
    console.wait_for_url(leads_to)
    assert customers(live_service, name) == 1


def test_somebody_else_is_named_and_does_nothing(console: Page, operator: Operator, live_service: LiveService):
    name, bob = type_customer(console, live_service), make_operator(live_service)
    other = sign_out_elsewhere(console, operator)
    other.goto("/admin/")
    sign_in(other, *bob)
    other.wait_for_url(OVERVIEW)
    console.keyboard.press("Enter")
    expect(notice(console)).to_contain_text(f"You are signed in as {bob[0]} now, and opened this page as {operator[0]}")
    expect(notice(console)).to_be_focused()
    assert faults(console) == []
    assert customers(live_service, name) == 0
    other.close()
    other = sign_out_elsewhere(console, bob)
    console.locator("[name=external_id]").press("Enter")
    expect(notice(console)).to_have_count(1)
    expect(notice(console)).to_contain_text("You are signed out.")
    sign_in_elsewhere(console, operator)
    console.locator("[name=external_id]").press("Enter")
    console.wait_for_url("**/admin/exchange/enduser/")
    assert customers(live_service, name) == 1


def test_leaving_still_asks_where_nothing_was_sent(console: Page, live_service: LiveService):
    type_customer(console, live_service)
    console.context.clear_cookies()
    console.keyboard.press("Enter")
    expect(notice(console)).to_be_visible()
    asked: list[Dialog] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog)
        dialog.accept()

    console.on("dialog", accept)
    console.goto("/admin/")
    assert asked


def test_a_form_is_sent_where_nobody_tells_and_the_sign_in_says_what_became_of_it(
    console: Page, operator: Operator, live_service: LiveService
):
    name = type_customer(console, live_service)
    sign_out_elsewhere(console, operator)
    console.route("**/admin/account/signed-in/", lambda route: route.abort())
    console.keyboard.press("Enter")
    expect(console.get_by_text("You were signed out. What you sent was not saved.")).to_be_visible()
    sign_in(console, *operator)
    console.wait_for_url(f"**{ADD}?platform=*")
    assert customers(live_service, name) == 0


def test_a_list_keeps_what_is_ticked(console: Page):
    console.goto("/admin/exchange/enduser/")
    console.locator("input[name=_selected_action]").first.check()
    console.context.clear_cookies()
    console.locator("select[name=action]").select_option(index=1)
    console.get_by_role("button", name="Run").click()
    expect(notice(console)).to_be_in_viewport()
    assert faults(console) == []
    expect(console.locator("input[name=_selected_action]").first).to_be_checked()
