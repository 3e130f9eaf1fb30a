"""A real browser on the served console. Skipped where it is not installed (requirements/install browser, chromium).

A page's test fails on what the Content-Security-Policy stopped and on a script's error, whatever else it asserts.
"""

import re
import secrets
import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import make_password

pytest.importorskip("playwright", reason="no browser: requirements/install browser")

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, sync_playwright

from tests.support.live import LiveService, own_database, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Debian's chromium looks for its maker's servers otherwise.
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# A pattern such as **/admin/ fits the sign-in as well, whose address ends in ?next=/admin/.
OVERVIEW = re.compile(r"^https?://[^/]+/admin/$")
WATCH = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`securitypolicyviolation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""


@pytest.fixture(scope="package")
def live_service() -> Iterator[LiveService]:
    """A service of these tests' own, since pages change what other tests count on."""
    with own_database() as url, serving(url, pages=True) as service:
        yield service


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, ended with these tests: the driver's event loop runs in this thread for as long as it is open."""
    if CHROMIUM is None:
        pytest.skip("no browser: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, live_service: LiveService) -> Iterator[BrowserContext]:
    """A visitor without cookies; its paths are the live service's."""
    context = browser.new_context(base_url=live_service.base_url, viewport=DESKTOP)
    context.set_default_timeout(15_000)
    context.add_init_script(WATCH)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    faults = watched(page)
    yield page
    assert faults == []


def watched(page: Page) -> list[str]:
    """Collect what goes wrong on the page from now on; the context needs :data:`WATCH`."""
    faults: list[str] = []
    page.on("console", lambda message: faults.extend(_fault(message)))
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults


def _fault(message: ConsoleMessage) -> list[str]:
    # A page that answers 4xx on purpose is reported as an error too; what was stopped or broken is what we look for.
    return [message.text] if message.type == "error" and "Failed to load resource" not in message.text else []


def make_operator(service: LiveService) -> tuple[str, str]:
    """The name and password of a new administrator of that service, put into its table: a process takes seconds."""
    name, password = f"operator-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    columns = "username, password, is_superuser, is_staff, is_active, first_name, last_name, email, date_joined"
    insert = f"INSERT INTO auth_user ({columns}) VALUES (%s, %s, true, true, true, '', '', '', now()) RETURNING id"
    [_] = service.rows(insert, name, make_password(password))
    # All browsers here are at one address, of which so many sign-ins in a minute are let.
    service.rows("DELETE FROM limits_window WHERE key LIKE 'sign_in:%' RETURNING key")
    return name, password


def sign_in(page: Page, name: str, password: str) -> None:
    """Send the sign-in's form, which the page shows."""
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")


def open_more(page: Page) -> Page:
    """Open the menu of what else can be done with an object, where its page has one."""
    more = page.locator(".console-more > summary")
    page.locator(".console-object").first.wait_for()
    if more.count():
        more.first.click()
    return page


@pytest.fixture
def operator(live_service: LiveService) -> tuple[str, str]:
    """The name and password of an administrator of the live service's own."""
    return make_operator(live_service)


@pytest.fixture
def console(page: Page, operator: tuple[str, str]) -> Page:
    """The console's first page, signed in as an administrator."""
    page.goto("/admin/")
    sign_in(page, *operator)
    page.wait_for_url(OVERVIEW)
    return page
