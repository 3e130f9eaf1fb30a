"""An operator who is a customer as well gets no secret of another's: by no field of the console's forms."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from credservice.credentials.models import Credential, CredentialPolicy
from exchange.models import EndUser, Installation, Integration, Platform, UnsettledEndUser
from exchange.services.grants import new_secret_set
from provisioning.models import Product
from tests.support.console import World
from tests.support.doors import role_client
from tests.support.exchange_factories import IDS, Door, make_door
from tests.support.pages import attributes, send, url
from tests.vendor_api.client import Vendor

THIEF, VICTIM, KEY = "customer-1", "victim", "the-victims-key-0123456789"


@pytest.fixture
def operator(db: None) -> Client:
    return role_client("Operator")


@pytest.fixture
def door(client: Client, db: None) -> Door:
    """The operator is its customer: what ``post`` gets, they get."""
    return make_door(client)


@pytest.fixture
def victim(door: Door) -> EndUser:
    return EndUser.objects.create(platform=door.platform, end_user_id="enduser_victim", external_id=VICTIM)


def rename(operator: Client, end_user: EndUser, external_id: str) -> None:
    send(operator, url(end_user), name="", external_id=external_id, attributes="{}")


def swap(operator: Client, door: Door, victim: EndUser) -> None:
    rename(operator, victim, "meanwhile")
    rename(operator, door.end_user, VICTIM)
    rename(operator, victim, THIEF)


def signed_for(door: Door) -> Any:
    """Hand out a token to the operator's own installation, and read whom it names."""
    options = {"audience": "vendor", "claims": {"sub": "$external_id"}, "name": "apiKey", "lifetime": 600}
    door.integration.policy = CredentialPolicy.objects.create(name="tokens", issuer="jwt", options=options)
    door.integration.save()
    payload = door.post().json()["apiKey"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"]


def test_a_swap_of_two_names_signs_no_token_for_the_victim(operator: Client, door: Door, victim: EndUser) -> None:
    swap(operator, door, victim)
    assert signed_for(door) == THIEF


def test_a_swap_of_two_names_leads_no_later_key_astray(operator: Client, door: Door, victim: EndUser) -> None:
    swap(operator, door, victim)
    answer = Vendor().put(f"/end-users/{VICTIM}/grants/{IDS['integrationId']}", {"values": {"apiKey": KEY}})
    assert answer.status_code == 201
    assert KEY not in door.post().content.decode()
    assert Credential.objects.get().subject == victim.subject


def test_no_integration_is_added_with_another_policy(operator: Client, door: Door) -> None:
    policy = CredentialPolicy.objects.create(name="logins", issuer="api_key", options={"name": "apiKey"})
    values = {"platform": door.platform.pk, "integration_id": "int_mine", "policy": policy.pk}
    answer = operator.post(url(Integration, "add"), values | {"response_shape": '{"apiKey": "$credential.apiKey"}'})
    assert answer.status_code == 403
    send(operator, url(door.integration), name="Renamed", **values)
    door.integration.refresh_from_db()
    assert (door.integration.name, door.integration.policy.name) == ("Renamed", "entered")
    assert Integration.objects.count() == 1


def test_the_right_to_add_alone_adds_none_either(operator: Client, door: Door) -> None:
    from django.contrib.auth.models import Permission, User

    User.objects.get().user_permissions.add(*Permission.objects.filter(codename__in=["add_integration", "add_product"]))
    assert operator.get(url(Integration, "add")).status_code == 403
    assert operator.get(url(Product, "add")).status_code == 403


def test_a_new_end_user_on_another_platform_is_no_customer_yet(operator: Client, door: Door) -> None:
    other = Platform.objects.create(name="other", secrets=new_secret_set("other"))
    values = {"platform": other.pk, "end_user_id": "enduser_mine", "external_id": VICTIM, **attributes(a="1")}
    assert send(operator, url(EndUser, "add"), **values).status_code == 302
    made = EndUser.objects.get(platform=other)
    assert (made.external_id, made.attributes) == ("", {})


def test_no_attribute_that_an_answer_holds_is_changed(operator: Client, world: World) -> None:
    send(operator, url(world.end_user), name="Acme", **attributes(tenant="victim"))
    world.end_user.refresh_from_db()
    assert (world.end_user.name, world.end_user.attributes) == ("Acme", {})
    assert operator.post(url(world.installation), attributes(tenant="victim")).status_code == 403
    values = {"integration": world.integration.pk, "end_user": world.end_user.pk, "installation_id": "inst_9"}
    send(operator, url(Installation, "add"), **attributes(tenant="victim"), **values)
    assert Installation.objects.get(installation_id="inst_9").attributes == {}


def test_no_shape_and_no_products_policy_is_chosen(operator: Client, world: World) -> None:
    assert operator.post(url(world.integration, "shape"), {"preview": "1", "response_shape": "{}"}).status_code == 403
    send(operator, url(world.product), name="Bear", policy=world.policy.pk, regions='["all::global"]')
    world.product.refresh_from_db()
    assert (world.product.name, world.product.policy) == ("Bear", world.key_policy)


def test_an_unsettled_customer_is_not_said_to_be_the_operator(operator: Client, world: World) -> None:
    intent = UnsettledEndUser.objects.create(platform=world.platform, external_id=VICTIM)
    values = {"end_user_id": "enduser_mine", "why": "seen there"}
    assert operator.post(url(intent, "created"), values).status_code == 403
    assert not EndUser.objects.filter(external_id=VICTIM).exists()
