"""Keeps an open session, or one person alone, from a secret around the reveal that asks and records."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from credservice.adminkit.models import FourEyes
from credservice.console import roles
from credservice.credentials.models import Credential
from credservice.crypto import seal
from credservice.vendor_api.models import ServiceToken
from tests.support.console import PASSWORD
from tests.support.doors import role_client
from tests.support.pages import ask_bulk, send, url

OTHER = "quite another long password"


@pytest.fixture
def two_reveal(db):
    FourEyes.objects.update_or_create(pk=1, defaults={"reveal": True})


def test_ones_own_password_is_not_set_without_the_old_one(console, admin):
    address = reverse("admin:auth_user_password_change", args=[admin.pk])
    console.post(address, {"password1": OTHER, "password2": OTHER, "usable_password": "true"})
    admin.refresh_from_db()
    assert admin.check_password(PASSWORD)


def test_the_password_of_somebody_else_can_still_be_set(console):
    other = User.objects.create_user("bob", password=PASSWORD, is_staff=True)
    address = reverse("admin:auth_user_password_change", args=[other.pk])
    console.post(address, {"password1": OTHER, "password2": OTHER, "usable_password": "true"})
    other.refresh_from_db()
    assert other.check_password(OTHER)


def test_mindclouds_key_does_not_follow_to_another_address(console, world):
    world.platform.api_url = "https://api.mind.example"
    world.platform.sealed_api_key = world.secret.sealed
    world.platform.save()
    page = console.get(url(world.platform))
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value not in (None, False)}
    values |= {"source_networks": "", "api_url": "https://thief.example", "seen": page.context["seen"]}
    answer = console.post(url(world.platform), values)
    world.platform.refresh_from_db()
    assert (answer.status_code, world.platform.api_url) == (200, "https://api.mind.example")
    assert "Enter the API key again" in answer.content.decode()


def test_a_client_secret_does_not_follow_to_another_connector(console, world):
    values = {"connector_url": "https://thief.example/v1", "client_id": "ours", "sign_on_404": "refuse"}
    answer = send(console, url(world.marketplace), **values)
    world.marketplace.refresh_from_db()
    assert world.marketplace.connector_url == "https://api.connector.manifold.co/v1"
    assert "Enter the client secret again" in answer.content.decode()


def test_a_new_connector_is_taken_with_its_secret(console, world):
    values = {"connector_url": "https://new.example/v1", "client_id": "ours", "sign_on_404": "refuse"}
    values["client_secret"] = "another-secret"
    send(console, url(world.marketplace), **values)
    world.marketplace.refresh_from_db()
    assert world.marketplace.connector_url == "https://new.example/v1"


def test_an_operator_does_not_lead_users_to_another_dashboard(world):
    operator = role_client("Operator")
    values = {"name": "Bear", "policy": str(world.key_policy.pk), "regions": '["all::global"]'}
    send(operator, url(world.product), dashboard_url="https://thief.example/", **values)
    world.product.refresh_from_db()
    assert (world.product.name, world.product.dashboard_url) == ("Bear", "")


@pytest.mark.parametrize("scope", ["credentials:reveal", "trust:write"])
def test_no_token_that_reveals_is_made_where_reveals_need_two(console, two_reveal, scope):
    values = {"name": "alone", "scopes": [scope], "networks": ""}
    page = send(console, reverse("admin:vendor_api_servicetoken_add"), **values).content.decode()
    assert not ServiceToken.objects.exists()
    assert "second person" in page


def test_guesses_at_values_are_counted_on_the_trails_page_too(console, world):
    address = reverse("admin:audit_auditevent_find")
    pages = [console.post(address, {"value": f"a-guess-at-a-value-{n}"}).content.decode() for n in range(61)]
    assert "Try again in" not in pages[0]
    assert "Try again in" in pages[60]


def test_nobody_manages_a_deactivated_account_that_may_do_more(db):
    administrator = User.objects.create_user("gone", is_staff=True, is_active=False)
    administrator.groups.set([group for group, role in roles.groups_with_roles() if role.name == "Administrator"])
    helper = User.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    assert not roles.may_manage(helper, administrator)


@pytest.mark.parametrize(("overlap", "state"), [("none", "active"), ("policy", "retiring")])
def test_nobody_ends_many_alone_by_rotating_them(world, overlap, state):
    FourEyes.objects.update_or_create(pk=1, defaults={"bulk_revoke": True})
    operator, keys = role_client("Operator"), [world.make_key(), world.make_key()]
    asks = ask_bulk(operator, Credential, "rotate", keys)
    page = operator.get(asks).content.decode()
    assert ("to end them all at once needs a second person" in page, "They have leaked" in page) == (True, False)
    send(operator, asks, overlap=overlap)
    assert {Credential.objects.get(pk=key.pk).state for key in keys} == {state}


def test_mindclouds_key_goes_with_its_address(console, world):
    platform = world.platform
    platform.api_url = "https://api.mind.example"
    platform.sealed_api_key = seal(b"the key", platform.api_key_place)
    platform.save()
    page = console.get(url(platform))
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value not in (None, False)}
    console.post(url(platform), values | {"source_networks": "", "api_url": "", "seen": page.context["seen"]})
    platform.refresh_from_db()
    assert (platform.api_url, platform.sealed_api_key) == ("", None)
