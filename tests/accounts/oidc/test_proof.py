"""People without a password here prove that it is they: at the provider, or with a second factor of their own."""

import re
import time
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from credservice.accounts.oidc.marks import CAME_BY
from tests.accounts.conftest import add_app, totp
from tests.accounts.oidc.conftest import Browser
from tests.adminkit.test_reauthentication import age
from tests.conftest import Trail
from tests.support.console import CANARY, World, world  # noqa: F401 - a fixture
from tests.support.oidc import Person, Provider
from tests.support.pages import send, url

CONFIRM = reverse("account_provider_confirm")
NEW_KEY = reverse("admin:keys_signingkey_add")


@pytest.fixture
def holder(provider: Provider, browser: Browser) -> Browser:
    """Somebody who may reveal secrets."""
    provider.tell("ann", claims={"groups": ["cred-secrets"]})
    provider.tell("bob", claims={"groups": ["cred-secrets"]})
    browser.through()
    return browser


@pytest.fixture
def later(holder: Browser) -> Browser:
    """As if they had signed in at the provider an hour ago, and came here by the session that they have there."""
    session = holder.session
    alias, auth_time, second_factor = session[CAME_BY]
    session[CAME_BY] = [alias, auth_time - 3600, second_factor]
    session.save()
    return holder


def link_on(page: Any) -> str:
    assert 'name="password"' not in page.content.decode()
    return str(re.findall(f'href="({CONFIRM}[^"]+)"', page.content.decode())[0])


def reveal(browser: Browser, world: World, **values: Any) -> str:  # noqa: F811
    return str(send(browser, url(world.credential, "reveal"), why="a platform lost it", **values).content.decode())


def test_set_up_asks_for_a_recent_proof_and_the_provider_gives_it(later: Browser, trail: Trail) -> None:
    link = link_on(later.get(later.get(NEW_KEY)["Location"]))
    assert later.through(link)["Location"] == NEW_KEY
    assert later.person.asked
    assert later.get(NEW_KEY).status_code == 200
    assert trail.one(action="user.confirmed").detail == {"provider": "corp"}


def test_one_confirmation_at_the_provider_is_good_for_one_reveal(holder: Browser, world: World) -> None:  # noqa: F811
    page = url(world.credential, "reveal")
    assert "Confirm first that it is you." in reveal(holder, world)
    assert holder.through(link_on(holder.get(page)))["Location"] == page
    assert CANARY in reveal(holder, world)
    assert "Confirm first that it is you." in reveal(holder, world)


def test_the_session_that_is_open_at_the_provider_is_no_proof(holder: Browser, world: World) -> None:  # noqa: F811
    with time_machine.travel(time.time() + 120):  # longer ago than clocks may differ
        url = holder.get(CONFIRM)["Location"].replace("&prompt=login", "").replace("&max_age=0", "")
        page = holder.page(holder.come_back(url))
        assert not holder.person.asked
        assert "it did not say that you signed in there just now" in page
        assert "Confirm first" in reveal(holder, world)


def test_another_person_at_the_provider_proves_nothing(holder: Browser, world: World) -> None:  # noqa: F811
    holder.person = Person()
    page = holder.page(holder.through(CONFIRM, account="bob"))
    assert "somebody else signed in there" in page
    assert "Confirm first" in reveal(holder, world)


def test_a_code_of_an_own_app_is_a_proof_too(stopped_clock: None, holder: Browser, world: World) -> None:  # noqa: F811
    secret = add_app(holder)
    assert "This is no code." in reveal(holder, world, password="a-password")
    with time_machine.travel(time.time() + 30, tick=False):
        assert CANARY in reveal(holder, world, password=totp(secret))


def test_who_must_set_up_a_factor_first_can_still_confirm(holder: Browser, settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    age(holder)
    add = reverse("mfa_activate_totp")
    assert holder.through(link_on(holder.get(holder.get(add)["Location"])))["Location"] == add
    assert holder.get(add).status_code == 200


def test_a_session_that_was_left_open_adds_no_second_factor(later: Browser) -> None:
    for page in ("mfa_activate_totp", "mfa_add_webauthn"):
        assert later.get(reverse(page))["Location"].startswith(reverse("account_reauthenticate"))
