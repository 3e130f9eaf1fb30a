"""Brings up what the pictures of the console show, by one function for each (tests/browser/screenshots.py).

The plots' day is made up; everything else was done by the service itself.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx2
from playwright.sync_api import Page

from exchange.signatures.verify import Profile, sign
from tests.browser.conftest import OVERVIEW, make_operator, open_more, sign_in
from tests.support.live import LiveService
from tests.support.paths import ROOT

TARGET = "/credential-exchange/mindcloud"
IDS = {"integrationId": "int_abc123", "installationId": "install_xyz789", "endUserId": "enduser_456def"}
GENERATED = IDS | {"integrationId": "int_generated", "installationId": "install_generated"}
DAY = """
INSERT INTO statistics_tally (hour, series, name, count, written_at)
SELECT date_trunc('hour', now()) - n * interval '1 hour', series, name,
       (size * (1 + 0.8 * sin((24 - n) / 24.0 * 6.28 - 1.6)) + (n * 7) % 5 * size / 20)::bigint, now()
FROM generate_series(0, 23) AS n,
     (VALUES ('exchange', 'granted', 900), ('exchange', 'stale_timestamp', 9), ('exchange', 'waiting_for_approval', 14),
             ('exchange.granted', 'mindcloud', 900), ('exchange.refused', 'mindcloud', 23),
             ('exchange.seconds', '0.01', 700), ('exchange.seconds', '0.02', 180)) AS day (series, name, size)
ON CONFLICT DO NOTHING RETURNING name
"""


_signed_in: dict[LiveService, list[Any]] = {}


@contextmanager
def used(service: LiveService) -> Iterator[None]:
    """The service after a day's use, with its worker."""
    worker = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "worker"], env=service.environment)
    try:
        _call(service, IDS)
        _call(service, GENERATED)
        _call(service, IDS | {"installationId": "install_new"})  # waits for approval
        _call(service, IDS, late=400)
        time.sleep(3)  # for the worker's first sign of life, and the calls' lines
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def _call(service: LiveService, ids: dict[str, str], late: int = 0) -> None:
    secret = service.secret("mindcloud-signing-secret").encode()
    stamp = str(int(time.time()) - late)
    headers = sign(method="POST", path=TARGET, timestamp=stamp, profile=Profile(), secret=secret)
    httpx2.post(service.base_url + TARGET, json=ids, headers=headers)


@cache
def _account(service: LiveService) -> tuple[str, str]:
    return make_operator(service)


def _cookies(service: LiveService, page: Page) -> list[Any]:
    if service in _signed_in:
        return _signed_in[service]
    name, password = _account(service)
    page.goto("/admin/")
    sign_in(page, name, password)
    page.wait_for_url(OVERVIEW)
    _signed_in[service] = list(page.context.cookies())
    return _signed_in[service]


def enter(service: LiveService, page: Page) -> None:
    """Be signed in, as the one administrator of all pictures."""
    page.context.add_cookies(_cookies(service, page))
    page.goto("/admin/")


def welcome(_: LiveService, page: Page) -> None:
    page.get_by_role("link", name="First steps", exact=True).click()


def first_call(service: LiveService, page: Page) -> None:
    page.goto("/admin/exchange/platform/first-steps/")
    page.locator("#id_name").fill("staging")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="Continue").click()
    page.get_by_label("integrationId").fill("int_abc123")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("endUserId").fill("enduser_456def")
    page.get_by_label("apiKey").fill("demo-customer-key")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Your password").fill(_account(service)[1])
    page.get_by_role("button", name="Show a signed call").click()
    page.locator("pre", has_text="curl").wait_for()


def overview(service: LiveService, page: Page) -> None:
    service.rows(DAY)
    page.goto("/admin/")


def credential(_: LiveService, page: Page) -> None:
    page.goto("/admin/credentials/credential/")
    page.locator("#result_list tbody a", has_text="acme_demo").first.click()
    page.get_by_role("heading", name="Last handed out").wait_for()


def rotation(service: LiveService, page: Page) -> None:
    credential(service, page)
    page.get_by_role("link", name="Rotate").first.click()
    page.get_by_role("button", name="Rotate").wait_for()


def debugger(_: LiveService, page: Page) -> None:
    page.goto("/admin/exchange/platform/")
    page.get_by_role("link", name="mindcloud", exact=True).first.click()
    open_more(page).get_by_role("link", name="Signature debugger", exact=True).click()
    page.get_by_role("link", name="stale").first.click()
    page.get_by_text("Set the tolerance to").wait_for()


def trial(_: LiveService, page: Page) -> None:
    page.goto("/admin/exchange/installation/")
    page.get_by_role("link", name="install_xyz789").first.click()
    open_more(page).get_by_role("link", name="Test exchange").click()


def trail(_: LiveService, page: Page) -> None:
    page.goto("/admin/audit/auditevent/")


def security(_: LiveService, page: Page) -> None:
    page.get_by_text("operator-").first.click()
    page.get_by_role("link", name="My account").click()
    page.get_by_role("heading").first.wait_for()


def roles(_: LiveService, page: Page) -> None:
    page.goto("/admin/auth/group/")
