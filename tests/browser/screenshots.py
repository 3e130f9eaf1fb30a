"""The documentation's pictures, taken anew: .venv/bin/python -m tests.browser.screenshots [NAME ...]

Needs the browser (requirements/install browser, chromium) and what `make test` needs. Add a page: one function that
brings it up, and one line in PICTURES.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

try:
    from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
except ModuleNotFoundError:
    sys.exit("The pictures are taken by a browser: run requirements/install browser first, and install chromium.")

from credservice.devserver.ephemeral import throwaway
from provisioning.checker.connector.answers import Answer
from tests.browser import console_pictures
from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE, SWITCHES
from tests.browser.png import with_palette
from tests.provisioning.sso.served import Market, market_of
from tests.support.live import LiveService, own_database, serving
from tests.support.paths import ROOT

PEOPLE = [
    {"name": "Ada Berg", "email": "ada@example.com", "role": "owner"},
    {"name": "Ben Okafor", "email": "ben@example.com", "role": "admin"},
    {"name": "Chiyo Sato", "email": "chiyo@example.com", "role": "member"},
]
FOLDER = ROOT / "docs" / "images"


@dataclass(frozen=True)
class Stage:
    """Holds what a picture is taken of."""

    service: LiveService
    market: Market
    page: Page


@dataclass(frozen=True)
class Picture:
    name: str
    bring_up: Callable[[Stage], None]
    size: ViewportSize
    scheme: Literal["light", "dark"] = "light"
    whole: bool = True  # the page, and not only what fits the window


def resource_page(stage: Stage) -> None:
    """A bear in use since the month began, with two credentials."""
    resource_id = stage.market.order(plan="ursa-major", age=7, hat_color="red", ready=True)
    for _ in range(2):
        stage.market.credential(resource_id)
    _eat_honey(stage.service, resource_id)
    with stage.market.connector.failing(f"/v1/resources/{resource_id}/users", Answer(200, PEOPLE)):
        stage.page.goto(stage.market.link(resource_id))
        stage.page.get_by_role("heading", name="Credentials").wait_for()


def _eat_honey(service: LiveService, resource_id: str) -> None:
    """Some jars each day of the month so far, in working weeks."""
    now = datetime.now(UTC)
    first = now.replace(day=1, hour=9, minute=0, second=0, microsecond=0)
    days = [first + timedelta(days=n) for n in range(now.day - 1)]
    file = service.folder / f"{resource_id}.ndjson"
    file.write_text("".join(_report(resource_id, day) for day in days))
    service.manage("report_usage", str(file)).check_returncode()


def _report(resource_id: str, day: datetime) -> str:
    jars = 12 + (day.day * 37) % 23 - 9 * (day.weekday() > 4)
    report = {"resource": resource_id, "key": f"{day:%d}", "feature": "honey", "quantity": jars, "at": day.isoformat()}
    return json.dumps(report) + "\n"


def of_console(name: str, show: Callable[[LiveService, Page], None], size: ViewportSize = DESKTOP) -> Picture:
    """A page of the console, signed in; what fits the window."""

    def bring_up(stage: Stage) -> None:
        console_pictures.enter(stage.service, stage.page)
        show(stage.service, stage.page)

    return Picture(f"console-{name}", bring_up, size, whole=False)


PICTURES = [
    Picture("resource-page", resource_page, DESKTOP),
    Picture("resource-page-dark", resource_page, DESKTOP, scheme="dark"),
    Picture("resource-page-phone", resource_page, PHONE),
    of_console("first-steps", console_pictures.welcome),
    of_console("first-call", console_pictures.first_call),
    of_console("overview", console_pictures.overview),
    replace(of_console("overview-dark", console_pictures.overview), scheme="dark"),
    of_console("overview-phone", console_pictures.overview, PHONE),
    of_console("credential", console_pictures.credential),
    of_console("rotation", console_pictures.rotation),
    of_console("debugger", console_pictures.debugger),
    of_console("trial", console_pictures.trial),
    of_console("trail", console_pictures.trail),
    of_console("security", console_pictures.security),
    of_console("roles", console_pictures.roles),
]


def take(picture: Picture, browser: Browser, service: LiveService, market: Market) -> Path:
    """The whole page, as a PNG in the documentation's folder."""
    context = browser.new_context(base_url=service.base_url, viewport=picture.size, color_scheme=picture.scheme)
    page = context.new_page()
    picture.bring_up(Stage(service, market, page))
    file = FOLDER / f"{picture.name}.png"
    picture_bytes = page.screenshot(full_page=picture.whole)
    file.write_bytes(picture_bytes if picture.whole else with_palette(picture_bytes))
    context.close()
    return file


def main(names: list[str]) -> None:
    if CHROMIUM is None:
        sys.exit("The pictures are taken by a browser: install chromium first (apt-get install chromium).")
    wanted = [picture for picture in PICTURES if not names or picture.name in names]
    FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        os.environ.update(stack.enter_context(throwaway()) | {"DJANGO_SETTINGS_MODULE": "credservice.settings"})
        service = stack.enter_context(serving(stack.enter_context(own_database()), pages=True))
        market = stack.enter_context(market_of(service))
        stack.enter_context(console_pictures.used(service))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        for picture in wanted:
            file = take(picture, browser, service, market)
            print(f"{file.relative_to(FOLDER.parents[1])} {file.stat().st_size // 1024} KiB")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
