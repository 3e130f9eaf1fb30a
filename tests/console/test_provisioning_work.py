"""Does what operators do with marketplaces, their keys, products and resources."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from credservice.credentials.models import CredentialPolicy
from provisioning.models import Feature, LiveKey, Marketplace, Plan, Product, Resource, TrustedKey
from tests.conftest import Trail
from tests.support.console import CANARY, MASTER_KEY, World
from tests.support.pages import run_bulk, send, tick_of, url

OTHER_KEY = "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690"
CONNECTOR = {
    "protocol_name": "manifold",
    "connector_url": "https://api.connector.example.com/v1",
    "client_id": "client",
    "sign_on_404": "refuse",
}


def test_a_client_secret_goes_in_and_never_out(console: Client, trail: Trail) -> None:
    values = CONNECTOR | {"name": "manifold", "client_secret": CANARY}
    assert console.post(url(Marketplace, "add"), values).status_code == 302
    marketplace = Marketplace.objects.get()
    assert marketplace.open_client_secret() == CANARY
    assert CANARY not in console.get(url(marketplace)).content.decode()
    assert trail.one(action="marketplace.created").detail["values"]["client_secret"] == {}
    assert CANARY not in str([line.detail for line in trail.all()])


def test_an_empty_client_secret_leaves_the_old_one(console: Client, world: World) -> None:
    same_address = {"connector_url": world.marketplace.connector_url, "client_secret": ""}
    console.post(url(world.marketplace), CONNECTOR | same_address)
    world.marketplace.refresh_from_db()
    assert (world.marketplace.open_client_secret(), world.marketplace.client_id) == (CANARY, "client")


def test_a_new_client_secret_replaces_the_old_one(console: Client, world: World, trail: Trail) -> None:
    console.post(url(world.marketplace), CONNECTOR | {"client_secret": "the new one"})
    world.marketplace.refresh_from_db()
    assert world.marketplace.open_client_secret() == "the new one"
    assert trail.one(action="marketplace.changed").detail["changes"]["client_secret"] == {}


def test_a_failed_form_does_not_echo_the_client_secret(console: Client, db: None) -> None:
    values = {"name": "manifold", "connector_url": "nonsense", "client_secret": CANARY}
    assert CANARY not in console.post(url(Marketplace, "add"), values).content.decode()


@pytest.mark.parametrize("key", [OTHER_KEY, OTHER_KEY + "=", OTHER_KEY.replace("_", "/").replace("-", "+") + "="])
def test_a_master_key_is_taken_in_any_base64(console: Client, world: World, trail: Trail, key: str) -> None:
    values = {"marketplace": world.marketplace.pk, "label": "production", "public_key": f" {key} "}
    assert console.post(url(TrustedKey, "add"), values).status_code == 302
    assert TrustedKey.objects.get(label="production").public_key == OTHER_KEY
    assert trail.one(action="trusted_key.created").actor == "user:root"


@pytest.mark.parametrize(("key", "why"), [("short", "no public key"), (MASTER_KEY + "=", "This is taken already")])
def test_no_key_or_one_that_is_there_is_refused(console: Client, world: World, key: str, why: str) -> None:
    values = {"marketplace": world.marketplace.pk, "label": "second", "public_key": key}
    assert why in console.post(url(TrustedKey, "add"), values).content.decode()
    assert TrustedKey.objects.count() == 1


def test_a_key_is_not_given_an_end_that_has_passed(console: Client, world: World) -> None:
    yesterday = timezone.now() - timedelta(days=1)
    values = {"ends_at_0": f"{yesterday:%Y-%m-%d}", "ends_at_1": "12:00:00"}
    assert "has passed already" in console.post(url(world.trusted_key), values).content.decode()


@pytest.mark.parametrize(
    ("kind", "there", "back", "words"),
    [
        ("marketplace", "suspend", "resume", ("suspended", "resumed")),
        ("trusted_key", "disable", "enable", ("disabled", "enabled")),
        ("live_key", "deny", "allow", ("denied", "allowed")),
        ("product", "suspend", "resume", ("suspended", "resumed")),
        ("plan", "suspend", "resume", ("suspended", "resumed")),
        ("resource", "suspend", "resume", ("suspended", "resumed")),
    ],
)
def test_it_goes_there_and_back(
    console: Client, world: World, trail: Trail, kind: str, there: str, back: str, words: tuple[str, str]
) -> None:
    obj: Any = getattr(world, kind)
    before = type(obj).objects.filter(pk=obj.pk).values().get()
    send(console, url(obj, there), why="a good reason", refuse="on")
    assert type(obj).objects.filter(pk=obj.pk).values().get() != before
    send(console, url(obj, back), why="a good reason")
    assert type(obj).objects.filter(pk=obj.pk).values().get() == before
    assert [line.action for line in trail.all(object_type=kind)] == [f"{kind}.{word}" for word in words]


def test_a_second_suspension_is_refused(console: Client, world: World, trail: Trail) -> None:
    send(console, url(world.resource, "suspend"), why="a good reason")
    page = console.get(url(world.resource, "suspend")).content.decode()
    assert "cannot be suspended in its present state" in page
    run_bulk(console, Resource, "suspend", [world.resource], why="a good reason")
    assert len(trail.all(action="resource.suspended")) == 1


def test_a_suspended_resources_keys_check_as_not_good(console: Client, world: World) -> None:
    send(console, url(world.resource, "suspend"), why="a good reason")
    send(console, url(world.resource, "resume"))
    assert not Resource.objects.exclude(state="active").exists()


def test_a_product_needs_value_names_that_the_marketplace_takes(console: Client, world: World) -> None:
    values = {"marketplace": world.marketplace.pk, "label": "bonnets", "regions": '["all::global"]'}
    refused = console.post(url(Product, "add"), values | {"policy": world.policy.pk})
    assert "upper-case names" in refused.content.decode()
    assert console.post(url(Product, "add"), values | {"policy": world.key_policy.pk}).status_code == 302


def test_plans_to_change_to_are_those_of_the_product(console: Client, world: World) -> None:
    other = Product.objects.create(
        marketplace=world.marketplace, label="bonnets", policy=world.key_policy, regions=["all::global"]
    )
    strange, own = (
        Plan.objects.create(product=other, label="small"),
        Plan.objects.create(product=world.product, label="ursa-major"),
    )
    values = {"name": "", "restricts_changes": "on"}
    assert console.post(url(world.plan), values | {"changes_to": [strange.pk]}).status_code == 200
    assert console.post(url(world.plan), values | {"changes_to": [own.pk]}).status_code == 302
    assert list(world.plan.changes_to.all()) == [own]


def test_a_string_feature_lists_its_values(console: Client, world: World) -> None:
    values = {"product": world.product.pk, "label": "hat_color", "type": "string"}
    assert "List what it may be" in console.post(url(Feature, "add"), values | {"values": "[]"}).content.decode()
    assert console.post(url(Feature, "add"), values | {"values": '["red"]'}).status_code == 302


@pytest.mark.parametrize("model", [Resource, LiveKey])
def test_what_partners_make_is_not_added_by_hand(console: Client, world: World, model: Any) -> None:
    assert console.post(url(model, "add"), {}).status_code == 403


def test_a_provisioner_is_chosen_from_those_of_the_settings(console: Client, world: World, settings: Any) -> None:
    settings.PROVISIONERS = {"ours": {"url": "https://a.example/hooks/a-secret-path", "secrets": ["env:A"]}}
    type(world.product).objects.update(provisioner="lost")
    page = console.get(url(world.product)).content.decode()
    assert ">ours: a.example<" in page
    assert "a-secret-path" not in page
    assert '<option value="lost" selected>' in page


def test_another_provisioner_of_resources_that_there_are_asks_for_a_tick(console: Client, world: World) -> None:
    type(world.product).objects.update(provisioner="lost")
    values = {"name": "Bear", "policy": world.product.policy_id, "regions": '["all::global"]', "tags": "[]"}
    values |= {"metadata": "{}", "credentials_shape": "{}", "provisioner": ""}
    page = send(console, url(world.product), **values)
    tick = page.context["adminform"].form.fields["confirmed"]
    assert tick.label == "Save it and change the provisioner"
    assert "Changes of plan and ends are told to no endpoint from now on, and no longer to lost." in tick.help_text
    assert send(console, url(world.product), **values, confirmed=tick_of(page.content.decode())).status_code == 302
    world.product.refresh_from_db()
    assert world.product.provisioner == ""


def test_a_policy_is_checked_against_its_users(console: Client, world: World) -> None:
    values = {"multiple": "on", "overlap": "24h", "stale_for": "1h", "options-names": "token"}
    refused = console.post(url(world.policy), values)
    assert "makes no value named apiKey" in refused.content.decode()
    world.policy.refresh_from_db()
    assert world.policy.options == {"names": ["apiKey"]}


def test_a_policy_is_added_with_times_as_people_write_them(console: Client, trail: Trail) -> None:
    values = {"name": "keys", "issuer": "api_key", "lifetime": "90d"}
    times = {"rotation_period": "1d12h", "overlap": "90m", "stale_for": "1h"}
    assert console.post(url(CredentialPolicy, "add"), values | times).status_code == 302
    policy = CredentialPolicy.objects.get()
    assert (policy.lifetime, policy.rotation_period) == (timedelta(days=90), timedelta(hours=36))
    assert trail.one(action="credential_policy.created").detail["values"]["overlap"] == {"to": "5400 s"}


@pytest.mark.parametrize(("name", "text"), [("options-api_key-prefix", "A"), ("lifetime", "soon"), ("lifetime", "1h")])
def test_an_unworkable_policy_is_refused(console: Client, db: None, name: str, text: str) -> None:
    values = {"name": "keys", "issuer": "api_key", "overlap": "24h", "stale_for": "1h"}
    assert console.post(url(CredentialPolicy, "add"), values | {name: text}).status_code == 200
    assert not CredentialPolicy.objects.exists()
