"""The way to a page, above it: Home, the list, the object as a person would say it."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from credservice.audit.models import AuditEvent
from credservice.credentials.models import Credential
from tests.support.console import PASSWORD, World
from tests.support.pages import ask_bulk, every_url, url


def title_of(world: World) -> str:
    """Name the version, which has no hint, and its customer."""
    return f"entered {str(world.credential.pk)[:8]} for acme"


def way_to_credential(world: World) -> list[str]:
    return ["Home", "Credentials", title_of(world)]


def way(page: Any) -> list[str]:
    """The texts of the page's first heading, without what stands between them."""
    (heading,) = re.findall(r"<h1.*?</h1>", page.content.decode(), re.DOTALL)
    texts = [unescape(text).strip() for text in re.findall(r">([^<>]+)<", heading)]
    return [text for text in texts if text and text != "chevron_right"]


@pytest.mark.parametrize("page", ["change", "revoke", "replace"])
def test_a_page_of_an_object_has_its_title(console: Client, world: World, page: str) -> None:
    found = console.get(url(world.credential, page))
    assert way(found) == way_to_credential(world)
    assert f"<title> {title_of(world)} | " in re.sub(r"\s+", " ", found.content.decode())


def test_so_has_one_that_another_list_makes(console: Client, world: World) -> None:
    assert way(console.get(reverse("admin:audit_auditevent_seen", args=[world.credential.pk]))) == way_to_credential(
        world
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("index", ["Overview"]),
        ("search", ["Home", "Search"]),
        ("first_steps", ["Home", "First steps"]),
        ("password_change", ["Home", "My account", "Password change"]),
        ("exchange_platform_changelist", ["Home", "Platforms"]),
        ("exchange_platform_add", ["Home", "Platforms", "Add platform"]),
        ("exchange_grant_add", ["Home", "Grants"]),
        ("audit_auditevent_export", ["Home", "Audit events"]),
    ],
)
def test_other_pages_stand_in_their_section(console: Client, world: World, name: str, expected: list[str]) -> None:
    assert way(console.get(reverse(f"admin:{name}"))) == expected


def test_ones_own_pages_stand_beneath_the_account(client: Client, admin: User) -> None:
    client.post(reverse("admin:login"), {"username": admin.username, "password": PASSWORD})
    assert way(client.get(reverse("mfa_index"))) == ["Home", "My account"]
    assert way(client.get(reverse("account_reauthenticate"))) == ["Home", "Confirm that it is you"]
    assert way(client.get(reverse("mfa_activate_totp"))) == ["Home", "My account", "Add an authenticator app"]


def test_a_line_of_the_trail_is_named_by_its_sentence(console: Client, world: World) -> None:
    line = AuditEvent.objects.filter(object_id=world.credential.pk).latest("pk")
    page = console.get(url(line))
    sentence = way(page)[-1]
    assert sentence.endswith("for acme")
    assert line.action not in sentence
    assert page.context["header"].title == page.context["subtitle"] == sentence


def test_rows_that_are_acted_on_are_named_alike(console: Client, world: World) -> None:
    page = console.get(ask_bulk(console, Credential, "revoke", [world.credential]))
    assert [title for title, *_ in page.context["rows"]] == [title_of(world)]


def test_every_page_has_one_without_a_uuid(console: Client, world: World, admin: User) -> None:
    pages = [console.get(address) for address in every_url(admin)]
    ways = [way(page) for page in pages if page.status_code == 200 and b"<h1" in page.content]
    assert len(ways) > 50
    assert [found for found in ways if found not in (["Overview"],) and found[0] != "Home"] == []
    assert [found for found in ways if re.fullmatch(r"[0-9a-f-]{36}", found[-1])] == []
