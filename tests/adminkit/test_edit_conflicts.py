"""Two operators on one object: a clear message, and nothing lost."""

import re

from django.contrib.auth.models import Group, User
from django.test import Client

from exchange.models import EndUser
from provisioning.models import Product
from tests.support.console import World
from tests.support.pages import url


def seen_in(client: Client, address: str) -> str:
    match = re.search(r'name="seen" value="([^"]+)"', client.get(address).content.decode())
    assert match is not None
    return match.group(1)


def test_a_stale_form_says_what_changed_and_keeps_what_was_typed(console: Client, world: World) -> None:
    address = url(world.product)
    values = {"name": "Bear and honey", "policy": world.key_policy.pk, "regions": '["all::global"]'}
    values |= {"seen": seen_in(console, address)}
    Product.objects.filter(pk=world.product.pk).update(name="Polar bear")
    page = console.post(address, values).content.decode()
    assert "Somebody else has changed Name (now Polar bear)" in page
    assert "Bear and honey" in page
    assert Product.objects.get(pk=world.product.pk).name == "Polar bear"


def test_a_stale_form_that_is_sent_again_is_saved(console: Client, world: World) -> None:
    address = url(world.product)
    values = {"name": "Bear and honey", "policy": world.key_policy.pk, "regions": '["all::global"]'}
    first = values | {"seen": seen_in(console, address)}
    Product.objects.filter(pk=world.product.pk).update(name="Polar bear")
    page = console.post(address, first).content.decode()
    match = re.search(r'name="seen" value="([^"]+)"', page)
    assert match is not None
    console.post(address, values | {"seen": match.group(1)})
    assert Product.objects.get(pk=world.product.pk).name == "Bear and honey"


def test_a_change_of_something_else_is_no_matter(console: Client, world: World) -> None:
    address = url(world.end_user)
    values = {"name": "Acme", "external_id": "acme", "seen": seen_in(console, address)}
    EndUser.objects.filter(pk=world.end_user.pk).update(is_active=False)
    assert console.post(address, values).status_code == 302
    assert EndUser.objects.get(pk=world.end_user.pk).name == "Acme"


def test_roles_that_somebody_else_gave_are_not_taken_away(console: Client, world: World) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    values = {"is_active": "on", "first_name": "Carla", "seen": seen_in(console, url(clerk))}
    clerk.groups.add(Group.objects.get(name="Viewer"))
    page = console.post(url(clerk), values).content.decode()
    assert "Somebody else has changed Roles" in page
    assert clerk.groups.count() == 1


def test_an_acts_form_is_refused_once_its_object_has_changed(console: Client, world: World) -> None:
    address = url(world.end_user, "suspend")
    form_id = console.get(address).context["form_id"]
    EndUser.objects.filter(pk=world.end_user.pk).update(is_active=False)
    EndUser.objects.filter(pk=world.end_user.pk).update(is_active=True)
    assert console.post(address, {"form_id": form_id, "why": "a test"}).status_code == 302
    address = url(world.end_user, "resume")
    form_id = console.get(address).context["form_id"]
    EndUser.objects.filter(pk=world.end_user.pk).update(is_active=True)
    page = console.post(address, {"form_id": form_id, "why": "a test"}).content.decode()
    assert "cannot be resumed in its present state" in page


def test_a_secret_that_somebody_else_replaced_is_not_replaced_twice(console: Client, world: World) -> None:
    address = url(world.platform.secrets, "new-secret")
    values = {"source": "generate", "overlap": "86400"}
    mine = values | {"form_id": console.get(address).context["form_id"]}
    theirs = values | {"form_id": console.get(address).context["form_id"]}
    console.post(address, theirs)
    page = console.post(address, mine)
    assert "It has changed since you opened this page" in page.content.decode()
    assert world.platform.secrets.secrets.count() == 2

    assert console.post(address, values | {"form_id": page.context["form_id"]}).status_code == 200  # it shows its text
    assert world.platform.secrets.secrets.count() == 3
