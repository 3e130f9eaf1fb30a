"""Roles in a browser: what each is denied, a second person's approval, bulk work, a rotation with its preview."""

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.browser.conftest import DESKTOP, OVERVIEW, PHONE, WATCH, open_more, sign_in, watched
from tests.support.live import LiveService

PASSWORD = secrets.token_urlsafe(16)
ROLES = ("Viewer", "Operator", "Secrets manager", "Auditor", "Administrator")
SET_UP = """
import json
from django.contrib.auth.models import Group, User
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
for name, role in {accounts!r}.items():
    user = User.objects.create_user(name, password={password!r}, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
policy = CredentialPolicy.objects.get(name="acme-generated-key")
made = [start_issue(policy=policy, context={{}}, subject="", actor="test") for _ in range(8)]
print("MADE", json.dumps([[str(key.pk), key.hint] for key in made]))
"""
# Of each role: pages that it is denied; {key} is a credential's, all else is the demonstration's.
DENIED = {
    "Viewer": (
        "credentials/credential/{key}/rotate/",
        "exchange/enduser/add/",
        "auth/user/",
        "vendor_api/servicetoken/",
    ),
    "Operator": (
        "credentials/credential/{key}/reveal/",
        "exchange/platform/add/",
        "auth/user/",
        "keys/signingkey/add/",
    ),
    "Secrets manager": ("auth/user/", "exchange/enduser/add/", "vendor_api/servicetoken/add/", "console/foureyes/"),
    "Auditor": ("credentials/credential/{key}/reveal/", "credentials/credential/{key}/revoke/", "auth/user/add/"),
    "Administrator": ("audit/auditevent/add/", "auth/group/add/"),
}
# Buttons on a credential's page.
BUTTONS = {"Rotate": "OSD", "Revoke": "OSD", "Reveal": "SD"}


class Cast:
    """An account of each role, a second secrets manager, and credentials to act on."""

    def __init__(self, service: LiveService) -> None:
        self.tag = secrets.token_hex(3)
        accounts = {self.name(role): role for role in ROLES} | {self.name("second"): "Secrets manager"}
        done = service.manage("shell", "-c", SET_UP.format(accounts=accounts, password=PASSWORD))
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("MADE ")]
        self.keys: list[tuple[str, str]] = json.loads(line.removeprefix("MADE "))

    def name(self, role: str) -> str:
        return f"{role.split()[0].lower()}-{self.tag}"


Enter = Callable[[str], Page]


@pytest.fixture(scope="module")
def cast(live_service: LiveService) -> Cast:
    return Cast(live_service)


@pytest.fixture
def enter(browser: Browser, live_service: LiveService, cast: Cast) -> Iterator[Enter]:
    """Sign somebody in, in a window of his own."""
    contexts: list[BrowserContext] = []
    faults: list[list[str]] = []
    live_service.rows("DELETE FROM limits_window RETURNING key")  # one address may not sign in so often

    def by_name(role: str) -> Page:
        contexts.append(browser.new_context(base_url=live_service.base_url, viewport=DESKTOP))
        contexts[-1].set_default_timeout(20_000)
        contexts[-1].add_init_script(WATCH)
        page = contexts[-1].new_page()
        faults.append(watched(page))
        page.goto("/admin/")
        sign_in(page, cast.name(role), PASSWORD)
        page.wait_for_url(OVERVIEW)
        return page

    yield by_name
    for context in contexts:
        context.close()
    assert [fault for of_page in faults for fault in of_page] == []


def picture(page: Page, name: str) -> None:
    """For a person's eyes, where one asks for it: PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_is_denied_it_is_told(enter: Enter, cast: Cast, role: str) -> None:
    page, key = enter(role), cast.keys[0][0]
    for path in DENIED[role]:
        answer = page.goto(f"/admin/{path.format(key=key)}")
        assert answer is not None
        assert answer.status == 403, path
        expect(page.get_by_text("Your account may not do this.")).to_be_visible()
    picture(page, f"denied-{role}")
    page.goto(f"/admin/credentials/credential/{key}/change/")
    open_more(page)
    for button, letters in BUTTONS.items():
        shown = page.get_by_role("link", name=button, exact=False).count() > 0
        assert shown == (role[0] in letters or (role == "Administrator" and "D" in letters)), button


def test_a_reveal_needs_another_persons_approval(enter: Enter, cast: Cast) -> None:
    administrator, asker, second = enter("Administrator"), enter("Secrets manager"), enter("second")
    address = f"/admin/credentials/credential/{cast.keys[1][0]}/reveal/"
    switch(administrator, on=True)
    try:
        asker.goto(address)
        asker.get_by_label("Reason").fill("support case 4711")
        picture(asker, "approval-ask")
        asker.get_by_role("button", name="Ask for approval").click()
        expect(asker.get_by_text("It waits for another person")).to_be_visible()
        picture(asker, "approval-waiting")
        approve(second, "support case 4711")
        reveal_and_go_back(asker, address)
    finally:
        switch(administrator, on=False)


def approve(second: Page, reason: str) -> None:
    second.goto("/admin/")
    second.get_by_role("link", name="waiting for a second person").click()
    second.locator("#result_list tbody a").first.click()
    picture(second, "approval-page")
    second.get_by_role("link", name="Approve").first.click()
    expect(second.get_by_text(f"The reason: {reason}")).to_be_visible()
    picture(second, "approval-approve")
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("You have approved it.")).to_be_visible()


def reveal_and_go_back(asker: Page, address: str) -> None:
    """Shown once: the browser kept nothing of it, and asks before it sends the used form again."""
    asker.goto(address)
    expect(asker.get_by_text("has approved it")).to_be_visible()
    picture(asker, "approval-approved")
    asker.locator("[name=password]").fill(PASSWORD)
    asker.get_by_role("button", name="Reveal").click()
    value = asker.locator("#shown-1").inner_text()
    assert value.startswith("acme_demo_")
    asker.get_by_role("link", name="Done").click()
    with contextlib.suppress(Error):  # ERR_CACHE_MISS: it was not to be kept
        asker.go_back()
    asker.wait_for_load_state()
    assert value not in asker.content()


def switch(administrator: Page, *, on: bool) -> None:
    administrator.goto("/admin/console/foureyes/")
    administrator.get_by_label("Reveals").set_checked(on)
    picture(administrator, "second-person")
    with administrator.expect_navigation():  # the form is sent once the page has asked who is signed in
        administrator.get_by_role("button", name="Save", exact=True).click()


def test_credentials_are_revoked_in_bulk(enter: Enter, cast: Cast) -> None:
    page = enter("Operator")
    page.goto("/admin/credentials/credential/")
    for key, _ in cast.keys[2:5]:
        page.locator(f"input[name=_selected_action][value='{key}']").check()
    page.locator("select[name=action]").select_option("revoke")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Revoke 3 credentials").first).to_be_visible()
    expect(page.get_by_text("This cannot be undone")).to_be_visible()
    picture(page, "bulk-ask")
    page.get_by_label("Reason").fill("a leaked backup")
    page.get_by_role("button", name="Revoke: 3").click()
    expect(page.get_by_text("Revoked, or on the way: 3.")).to_be_visible()
    picture(page, "bulk-done")


def test_what_bulk_work_leaves_out_is_said_before_and_listed_after(
    enter: Enter, cast: Cast, live_service: LiveService
) -> None:
    ended = "UPDATE credentials_credential SET state = 'revoked', ended_at = now() WHERE id = %s RETURNING id"
    live_service.rows(ended, cast.keys[5][0])
    page = enter("Operator")
    page.goto("/admin/credentials/credential/")
    for key, _ in cast.keys[5:7]:
        page.locator(f"input[name=_selected_action][value='{key}']").check()
    page.locator("select[name=action]").select_option("revoke")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Revoke 1 credential")).to_be_visible()
    expect(page.get_by_text("1 is left out: This credential is revoked already.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=cast.keys[5][1])).to_contain_text("left out")
    picture(page, "bulk-asked")
    page.get_by_label("Reason").fill("the vendor is gone")
    page.get_by_role("button", name="Revoke: 1").click()
    expect(page.get_by_text("1 done, 1 refused, 0 left")).to_be_visible()
    expect(page.get_by_text("This credential is revoked already.").first).to_be_visible()
    picture(page, "bulk-refused")


def test_a_rotation_says_beforehand_whom_it_touches(enter: Enter, cast: Cast) -> None:
    page = enter("Operator")
    page.goto(f"/admin/credentials/credential/{cast.keys[7][0]}/rotate/")
    expect(page.get_by_text("No installation or marketplace credential is handed it now.")).to_be_visible()
    expect(page.get_by_text("It stays valid for")).to_be_visible()
    expect(page.get_by_text("It ends as soon as")).to_be_hidden()
    picture(page, "rotate-preview")
    page.get_by_label("Revoke now (leaked)").check()
    expect(page.get_by_text("It stays valid for")).to_be_hidden()
    expect(page.get_by_text("It ends as soon as")).to_be_visible()
    page.get_by_label("The policy's overlap").check()
    page.get_by_role("button", name="Rotate").click()
    expect(page.get_by_text("The successor is")).to_be_visible()


def test_an_administrator_chooses_roles_in_plain_words(enter: Enter, cast: Cast) -> None:
    page = enter("Administrator")
    page.goto(f"/admin/auth/user/?q={cast.name('Viewer')}")  # other tests make many accounts
    page.get_by_role("link", name=cast.name("Viewer")).click()
    expect(page.get_by_text("Looks at everything but accounts")).to_be_visible()
    picture(page, "account")
    page.set_viewport_size(PHONE)
    picture(page, "account-phone")
    page.set_viewport_size(DESKTOP)
    page.get_by_label("Operator:").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.goto(f"/admin/auth/user/?q={cast.name('Viewer')}")
    page.get_by_role("link", name=cast.name("Viewer")).click()
    page.get_by_label("Operator:").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()


def test_the_second_of_two_operators_loses_nothing(enter: Enter) -> None:
    first, second = enter("Operator"), enter("Administrator")
    for page in (first, second):
        page.goto("/admin/exchange/integration/")
        page.locator("#result_list tbody a").first.click()
    names = f"Named {secrets.token_hex(3)}", f"Called {secrets.token_hex(3)}"
    for page, name in zip((first, second), names, strict=True):
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Save", exact=True).click()
    expect(second.get_by_text(f"Somebody else has changed Name (now {names[0]})")).to_be_visible()
    expect(second.get_by_label("Name", exact=True)).to_have_value(names[1])
    picture(second, "stale")
