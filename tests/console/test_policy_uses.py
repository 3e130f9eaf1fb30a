"""Shows what of a marketplace's products a policy makes, and asks before their live credentials' names change."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from exchange.models import Integration
from provisioning.models import Product, ResourceCredential
from tests.conftest import Trail
from tests.support.console import World
from tests.support.pages import tick_of, url

SENT = {
    "name": "keys",
    "multiple": "on",
    "lifetime": "",
    "rotation_period": "",
    "overlap": "24h",
    "stale_for": "1h",
    "options-name": "BEAR_TOKEN",
}


@pytest.fixture
def clerk(db: None) -> Client:
    """A member of staff who may change policies, and look at nothing else."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_credentialpolicy"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def key(world: World) -> Credential:
    CredentialPolicy.objects.filter(pk=world.key_policy.pk).update(options={"name": "BEAR_API_KEY"})
    world.key_policy.refresh_from_db()
    key: Credential = world.make_key()
    ResourceCredential.objects.create(
        marketplace=world.marketplace, partner_id="second", resource=world.resource, credential=key
    )
    return key


def names() -> Any:
    return CredentialPolicy.objects.get(name="keys").options["name"]


def test_its_page_names_the_products_and_counts_their_live_credentials(console: Client, world: World, key: Any) -> None:
    other = CredentialPolicy.objects.create(name="other", issuer="api_key")
    ResourceCredential.objects.create(
        marketplace=world.marketplace,
        partner_id="gone",
        resource=world.resource,
        credential=world.make_key(),
        deprovisioned_at=timezone.now(),
    )
    page = console.get(url(world.key_policy)).content.decode()
    assert "Products that use it" in page
    assert f'href="{url(world.product)}"' in page
    assert "2 live credentials" in page
    Product.objects.update(policy=other)
    # What it has made, it makes the successors of.
    page = console.get(url(world.key_policy)).content.decode()
    assert "2 live credentials" in page
    assert f'href="{url(other)}"' in page


def test_a_renamed_value_of_live_resources_needs_the_tick(
    console: Client, world: World, key: Any, trail: Trail
) -> None:
    page = console.post(url(world.key_policy), SENT).content.decode()
    assert "1 resource has 2 live credentials made by it, of product bear." in page
    assert "would have BEAR_TOKEN in place of BEAR_API_KEY." in page
    assert "Nothing is saved yet." in page
    assert names() == "BEAR_API_KEY"
    tick = tick_of(page)
    # Of another name, it is asked for again.
    other = console.post(url(world.key_policy), SENT | {"options-name": "OTHER", "confirmed": tick}).content.decode()
    assert (tick_of(other) != tick, names()) == (True, "BEAR_API_KEY")
    assert console.post(url(world.key_policy), SENT | {"confirmed": tick}).status_code == 302
    assert names() == "BEAR_TOKEN"
    detail = trail.one(action="credential_policy.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}
    assert "confirmed" not in detail["changes"]


def test_where_nothing_is_live_a_value_is_renamed_without_it(console: Client, world: World, key: Any) -> None:
    ResourceCredential.objects.update(deprovisioned_at=timezone.now())
    assert console.post(url(world.key_policy), SENT).status_code == 302
    assert names() == "BEAR_TOKEN"


def test_the_experts_view_asks_the_same(console: Client, world: World, key: Any) -> None:
    sent = SENT | {"options": '{"name": "BEAR_TOKEN"}', "probe": "{}"}
    page = console.post(f"{url(world.key_policy)}?view=json", sent).content.decode()
    assert "Nothing is saved yet." in page
    assert names() == "BEAR_API_KEY"
    sent["confirmed"] = tick_of(page)
    assert console.post(f"{url(world.key_policy)}?view=json", sent).status_code == 302
    assert names() == "BEAR_TOKEN"


def test_who_may_see_no_product_is_told_numbers_alone(clerk: Client, world: World, key: Any) -> None:
    page = clerk.post(url(world.key_policy), SENT).content.decode()
    assert "1 resource has 2 live credentials made by it." in page
    assert "Products that use it" not in page


def test_rotating_says_what_is_other_of_the_successor(console: Client, world: World, key: Credential) -> None:
    CredentialPolicy.objects.filter(pk=world.key_policy.pk).update(
        options={"name": "BEAR_TOKEN"}, lifetime=timedelta(hours=1), overlap=timedelta(minutes=5)
    )
    page = console.get(url(key, "rotate")).content.decode()
    assert "The successor has BEAR_TOKEN in place of BEAR_API_KEY and expires after 1 hour." in page


def test_a_lifetime_says_whose_it_is(console: Client, world: World, key: Credential) -> None:
    page = console.get(url(world.key_policy)).content.decode()
    assert "Of credentials made from then on: each expires after this. 2 live ones keep their end. Empty:" in page
    Credential.objects.filter(pk=key.pk).update(state="revoked")
    assert "1 live one keeps its end. Empty:" in console.get(url(world.key_policy)).content.decode()
    assert (
        "made from then on: each expires after this. Empty:"
        in console.get(url(CredentialPolicy, "add")).content.decode()
    )


ALONE = "so each new credential ends after 1 hour without a successor"


@pytest.mark.parametrize(
    ("period", "told"), [("", "Rotation is by hand"), ("2h", "Rotation is only every 2 hours"), ("30m", "")]
)
def test_credentials_that_expire_without_a_successor_are_warned_of(
    console: Client, world: World, key: Credential, trail: Trail, period: str, told: str
) -> None:
    sent = SENT | {"options-name": "BEAR_API_KEY", "lifetime": "1h", "overlap": "5m", "rotation_period": period}
    page = console.post(url(world.key_policy), sent, follow=True).content.decode()
    counts = {"end_unrenewed": 1} if told else {}
    counts |= {"rotated_by_schedule": 1} if period else {}
    if told:
        ends = "The next credentials of 1 resource end 1 hour after they are made. Nothing makes successors before:"
        assert f"{ends} a resource&#x27;s user has to delete it and create another." in page
        assert CredentialPolicy.objects.get(name="keys").lifetime is None
    page = console.post(url(world.key_policy), sent | {"confirmed": tick_of(page)}, follow=True).content.decode()
    assert trail.one(action="credential_policy.changed").detail["accepted_changed_answers"] == counts
    assert (f"{told}, {ALONE}: the next exchange makes another" in page) == bool(told)
    page = console.get(url(world.key_policy)).content.decode()
    assert (f"{told}, {ALONE}: a resource&#x27;s user has to delete it" in page) == bool(told)
    # What an exchange hands out is made anew: nothing is to be done then.
    ResourceCredential.objects.update(deprovisioned_at=timezone.now())
    assert ALONE not in console.get(url(world.key_policy)).content.decode()


ENTERED = {**SENT, "options-names": "apiKey", "name": "entered"}


def test_an_end_of_entered_values_needs_the_tick(console: Client, world: World, trail: Trail) -> None:
    sent = ENTERED | {"lifetime": "2d"}
    page = console.post(url(world.policy), sent).content.decode()
    assert "The next credentials of 1 installation end 2 days after they are entered." in page
    assert (
        "Entered values have no successor until somebody enters one. Their customers get no answer until then." in page
    )
    assert "The present ones keep their end." in page
    assert CredentialPolicy.objects.get(name="entered").lifetime is None
    page = console.post(url(world.policy), sent | {"confirmed": tick_of(page)}, follow=True).content.decode()
    assert CredentialPolicy.objects.get(name="entered").lifetime == timedelta(days=2)
    assert "Values of this policy end 2 days after they are entered, and have no successor: until somebody" in page
    assert trail.one(action="credential_policy.changed").detail["accepted_changed_answers"] == {"end_unrenewed": 1}
    # A longer one takes nothing away.
    longer = sent | {"lifetime": "3d"}
    assert console.post(url(world.policy), longer).status_code == 302
    page = console.post(url(world.policy), sent).content.decode()
    assert "end 2 days after they are entered, not 3 days." in page


def test_a_lifetime_says_what_becomes_of_entered_values(console: Client, world: World) -> None:
    page = console.get(url(world.policy)).content.decode()
    told = "each expires after this. 1 live one keeps its end. Empty: they never expire. Once they have expired, until"
    assert told in page
    assert "as its issuer has it" not in page
    either = "Empty: as its issuer has it; entered values then never expire. Such as"
    assert either in console.get(url(CredentialPolicy, "add")).content.decode()


def test_entered_values_are_rotated_by_nobody(console: Client, world: World) -> None:
    page = console.post(url(world.policy), ENTERED | {"rotation_period": "30d"}).content.decode()
    assert "Its values are entered: nothing can rotate them by itself. Leave this empty." in page
    assert "Leave it empty: its values are entered. Once they have expired, until somebody enters new ones" in page


def test_a_product_is_given_a_policy_of_other_names_with_a_tick(
    console: Client, world: World, key: Credential, trail: Trail
) -> None:
    other = CredentialPolicy.objects.create(name="tokens", issuer="api_key", options={"name": "BEAR_TOKEN"})
    sent = {"regions": '["all::global"]', "tags": "[]", "metadata": "{}", "credentials_shape": "{}"}
    sent |= {"policy": str(other.pk)}
    page = console.post(url(world.product), sent).content.decode()
    assert "would have BEAR_TOKEN in place of BEAR_API_KEY." in page
    world.product.refresh_from_db()
    assert world.product.policy == world.key_policy
    assert console.post(url(world.product), sent | {"confirmed": tick_of(page)}).status_code == 302
    world.product.refresh_from_db()
    assert world.product.policy == other
    detail = trail.one(action="product.changed").detail
    assert (detail["accepted_changed_answers"], list(detail["changes"])) == (
        {"resources_with_other_names": 1},
        ["policy"],
    )


def test_other_options_of_a_live_policy_need_the_tick(console: Client, world: World, key: Any, trail: Trail) -> None:
    shape = {"apiKey": "$credential.BEAR_API_KEY"}
    Integration.objects.update(policy=world.key_policy, response_shape=shape)
    sent = SENT | {"options-name": "BEAR_API_KEY", "options-prefix": "acme", "rotation_period": "30d"}
    page = console.post(url(world.key_policy), sent).content.decode()
    told = "of 1 installation and 1 resource (rotations of the present ones too) are made with another prefix."
    assert f"The next credentials {told}" in page
    assert "They are of integration int_1, product bear." in page
    # The period reaches those that are there.
    assert re.search(r"each is replaced, the last in (29 days|4 weeks): at [-0-9]{10} [0-9:]{5} UTC", page)
    told = "are rotated every 30 days, those that are older within 3 days, and the old values end"
    assert f"The live credentials of 1 resource {told}" in page
    assert "prefix" not in CredentialPolicy.objects.get(name="keys").options
    assert console.post(url(world.key_policy), sent | {"confirmed": tick_of(page)}).status_code == 302
    assert CredentialPolicy.objects.get(name="keys").options["prefix"] == "acme"
    accepted = trail.one(action="credential_policy.changed").detail["accepted_changed_answers"]
    assert accepted == {"made_otherwise": 2, "rotated_by_schedule": 1}


@pytest.mark.parametrize(("overlap", "asked"), [("0 seconds", True), ("4 minutes", True), ("1 hour", False)])
def test_a_rotation_that_leaves_a_run_no_time_needs_the_tick(
    console: Client, world: World, overlap: str, asked: bool
) -> None:
    Integration.objects.update(policy=world.key_policy, response_shape={"apiKey": "$credential.API_KEY"})
    ResourceCredential.objects.update(deprovisioned_at=timezone.now())
    sent = SENT | {"options-name": "API_KEY", "rotation_period": "30d", "overlap": overlap}
    page = console.post(url(world.key_policy), sent, follow=True).content.decode()
    told = "of 1 installation are rotated every 30 days, those that are older within 3 days, and the old values end"
    run = f"{overlap} after that. A workflow that runs on with values that it was handed before fails then."
    assert (f"The live credentials {told} {run}" in page) is asked
    assert (CredentialPolicy.objects.get(name="keys").rotation_period is None) is asked


def test_a_shape_of_live_bindings_needs_the_tick(console: Client, world: World, key: Credential, trail: Trail) -> None:
    world.marketplace.protocol_name, world.marketplace.connector_url = "osb", ""
    world.marketplace.save()
    Product.objects.update(regions=[])
    sent = {"regions": "[]", "tags": "[]", "metadata": "{}", "policy": str(world.key_policy.pk)}
    sent |= {"credentials_shape": '{"key": "$BEAR_API_KEY"}'}
    page = console.post(url(world.product), sent).content.decode()
    assert "2 live bindings of product bear are answered otherwise at once" in page
    assert "BEAR_API_KEY is no longer sent." in page
    assert "key is new." in page
    assert Product.objects.get().credentials_shape == {}
    assert console.post(url(world.product), sent | {"confirmed": tick_of(page)}).status_code == 302
    assert Product.objects.get().credentials_shape == {"key": "$BEAR_API_KEY"}
    accepted = trail.one(action="product.changed").detail["accepted_changed_answers"]
    assert accepted == {"bindings_in_another_shape": 2, "bindings_without_answer": 0}


def test_a_source_that_there_is_not_is_refused_at_its_field(console: Client, world: World) -> None:
    options = '{"audience": "a", "claims": {"sub": "$nope"}}'
    sent = SENT | {"name": "tokens", "issuer": "jwt", "options": options, "probe": "{}"}
    page = console.post(f"{url(CredentialPolicy, 'add')}?view=json", sent).content.decode()
    assert "claims names a source that there is not: $nope; there are $end_user" in page
    assert not CredentialPolicy.objects.filter(name="tokens").exists()
