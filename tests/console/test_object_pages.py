"""The top of an object's page, the same for each kind: its name, state, facts, id, and what can be done."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate
from exchange.models import EndUser, Grant
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.pages import send, url


def test_a_grant_is_named_by_its_customer_and_integration(console: Client, world: World) -> None:
    header = console.get(url(world.grant)).context["header"]
    assert header.title == "acme for int_1"
    assert "active" in str(header.state)
    assert header.id == world.grant.pk


def test_a_credential_is_named_by_its_version_and_customer(console: Client, world: World) -> None:
    title = f"entered {str(world.credential.pk)[:8]} for acme"
    assert console.get(url(world.credential)).context["header"].title == title
    assert console.get(url(world.credential, "revoke")).context["subtitle"] == title


def test_versions_are_told_apart_by_their_names(console: Client, world: World) -> None:
    successor = rotate(credential=world.credential, actor="test", entered={"apiKey": "v" * 40})
    page = console.get(url(successor)).content.decode()
    assert f">entered {str(world.credential.pk)[:8]} (retiring)</a>" in page


def test_after_a_rotation_the_successor_is_linked_by_its_name(console: Client, world: World) -> None:
    form = console.get(url(world.credential, "replace")).context["form"]
    values = {name: "policy" if name == "overlap" else "v" * 40 for name in form.fields}
    send(console, url(world.credential, "replace"), **values)
    page = console.get(url(world.credential)).content.decode()
    successor = Credential.objects.get(predecessor=world.credential)
    assert f"entered {str(successor.pk)[:8]} for acme</a>." in page


def test_one_act_stands_first_and_dangerous_ones_apart(console: Client, world: World) -> None:
    header = console.get(url(world.credential)).context["header"]
    assert header.primary["title"] == "Replace values"
    assert [link["title"] for link in header.dangerous] == ["Revoke"]
    assert "Reveal" in [link["title"] for link in header.others]


def test_a_role_sees_what_it_may_do_alone(world: World) -> None:
    header = role_client("Viewer").get(url(world.credential)).context["header"]
    assert (header.primary, header.dangerous) == (None, [])
    assert "New signing secret" not in role_client("Operator").get(url(world.platform)).content.decode()


def test_a_menu_of_dangerous_acts_alone_sets_nothing_apart(console: Client, world: World) -> None:
    assert "console-apart" in console.get(url(world.platform)).content.decode()
    menu = role_client("Operator").get(url(world.marketplace)).content.decode().partition('"console-more"')[2]
    assert "Suspend" in menu.partition("</details>")[0]
    assert "console-apart" not in menu


def test_times_are_told_as_people_say_them_with_the_exact_one(console: Client, world: World) -> None:
    page = console.get(url(EndUser, "changelist")).content.decode()
    moment = re.search(r'<time class="console-moment" datetime="[^"]+" title="([^"]+)">([^<]+)</time>', page)
    assert moment is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", moment[1])
    assert moment[2] == "just now"


def test_a_column_of_which_no_row_has_anything_is_left_out(console: Client, world: World) -> None:
    assert "Expires" not in console.get(url(Credential, "changelist")).content.decode()
    Credential.objects.filter(pk=world.credential.pk).update(expires_at=timezone.now())
    assert "Expires" in console.get(url(Credential, "changelist")).content.decode()


@pytest.mark.parametrize("model", [EndUser, Grant, Credential])
def test_pages_have_landmarks_and_a_way_past_the_menu(console: Client, world: World, model: type) -> None:
    page = console.get(url(model, "changelist")).content.decode()
    assert page.count("<main") == 1
    assert 'href="#content"' in page
    assert re.search(r'<html lang="en', page)
