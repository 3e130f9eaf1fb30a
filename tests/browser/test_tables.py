"""Tables in a browser: no column is out of view, on a desktop whatever a partner's ids are, and on a phone at all."""

import re
import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.test_dashboard import faults, paint
from tests.support.live import LiveService

LONG = "order-" + "0123456789" * 24 + "-the-end"
LISTS = ("provisioning/resource", "provisioning/resourcecredential", "audit/auditevent", "credentials/credential")
LINE = "at, action, outcome, reason, actor, object_type, object_id, subject, source, request_id, detail"


def order(service: LiveService, partner_id: str) -> str:
    """Order a resource with a credential, and return the id of ours."""
    [(plan, product, marketplace)] = service.rows(
        "SELECT p.id, p.product_id, o.marketplace_id FROM provisioning_plan p"
        " JOIN provisioning_product o ON o.id = p.product_id LIMIT 1"
    )
    resource = uuid.uuid4()
    service.rows(
        "INSERT INTO provisioning_resource (id, partner_id, region, features, request_fingerprint, state, created_at,"
        " marketplace_id, plan_id, product_id)"
        " VALUES (%s, %s, 'all::global', '{}', '', 'active', now(), %s, %s, %s) RETURNING id",
        *(resource, partner_id, marketplace, plan, product),
    )
    service.rows(
        "INSERT INTO provisioning_resourcecredential (id, partner_id, is_exclusive, created_at, deprovisioned_at,"
        " credential_id, marketplace_id, resource_id)"
        " SELECT %s, %s, false, now(), now(), id, %s, %s FROM credentials_credential"
        " WHERE id NOT IN (SELECT credential_id FROM provisioning_resourcecredential) LIMIT 1 RETURNING id",
        *(uuid.uuid4(), str(uuid.uuid4()), marketplace, resource),
    )
    service.rows(
        f"INSERT INTO audit_auditevent ({LINE}) VALUES (now(), 'resource.provisioned', 'done', '', 'marketplace:cf',"
        " 'resource', %s, %s, '127.0.0.1', '', '{}') RETURNING id",
        *(str(resource), f"resource:{resource}"),
    )
    service.rows(
        f"INSERT INTO audit_auditevent ({LINE}) VALUES (now(), 'resource.put', 'refused', 'bad_request',"
        " 'marketplace:cf', 'resource', %s, '', '127.0.0.1', '', '{}') RETURNING id",
        partner_id,
    )
    return str(resource)


@pytest.fixture(scope="module")
def orders(live_service: LiveService) -> str:
    """Two orders: one with an id as marketplaces make them, and one as long as can be, whose id of ours is returned."""
    order(live_service, str(uuid.uuid4()))
    return order(live_service, LONG + uuid.uuid4().hex[:1])


def beyond(page: Page, selector: str) -> list[str]:
    """List what is wider than the frame that it scrolls in."""
    script = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)"
    found: list[str] = page.locator(selector).evaluate_all(script)
    return found


@pytest.mark.parametrize("path", LISTS)
def test_a_list_keeps_all_columns_in_view(console: Page, orders: str, path: str) -> None:
    console.goto(f"/admin/{path}/")
    frame = console.locator("#result_list").locator("xpath=ancestor::*[@data-simplebar]")
    table, room = (part.evaluate("(one) => one.clientWidth") for part in (console.locator("#result_list"), frame))
    assert table <= room + 1


def test_a_long_id_is_cut_in_the_middle_and_shown_whole_on_hover(console: Page, orders: str) -> None:
    console.goto("/admin/provisioning/resource/")
    cut = console.locator("#result_list th span", has_text="order-").first
    expect(cut).to_have_text(re.compile(r"^order-\d+….*the-end.?$"))
    title = cut.get_attribute("title") or ""
    assert title.startswith(LONG)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_tables_of_pages_as_cards(console: Page, orders: str, scheme: str) -> None:
    console.set_viewport_size(PHONE)
    paint(console, scheme)
    console.goto("/admin/exchange/enduser/")
    console.locator("#result_list tbody th a").first.click()
    expect(console.get_by_role("heading", name="Grants and their credentials")).to_be_visible()
    customer = console.url
    pages = (
        customer,
        customer.replace("/change/", "/who-saw/"),
        f"/admin/provisioning/resource/{orders}/change/",
        "/admin/",
    )
    for address in pages:
        console.goto(address)
        assert (address, beyond(console, ".console-wide, .readonly")) == (address, [])
        assert console.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert faults(console) == []
    console.goto(customer)
    cell = console.locator("td[data-label='Outcome']").first
    expect(cell).to_be_visible()
    assert cell.evaluate("(one) => getComputedStyle(one, '::before').content") == '"Outcome"'
    beside = "(one) => one.firstElementChild.getBoundingClientRect().x - one.getBoundingClientRect().x"
    assert cell.evaluate(beside) > 100
