"""A platform in the set-up file, beside the other protocol's marketplaces."""

import pytest
from django.utils import timezone

from provisioning.models import Marketplace, Plan, Product
from provisioning.osb.models import BrokerPassword
from provisioning.osb.passwords import digest_of, make_password
from tests.manifest.conftest import SECRETS, Commands, assert_refused, commands

__all__ = ["commands"]  # a fixture

POLICIES = "policies:\n  made: {issuer: api_key}\n"
PLATFORM = f"{POLICIES}marketplaces:\n  cf:\n    protocol: osb\n"
PASSWORD = f"{PLATFORM}    password: file:demo/platform-password\n"
PRODUCT = (
    f"{PASSWORD}    products:\n      queue:\n        policy: made\n        credentials_shape: {{key: $API_KEY}}\n"
    "        plans:\n          small: {free: false, maintenance_version: 1.2.3, metadata: {bullets: [one]}}\n"
)
OTHER = "another-password-of-a-platform-0123456789"


def test_a_platform_is_made_and_a_second_run_changes_nothing(commands: Commands) -> None:
    assert "+ marketplaces.cf.password" in commands.apply(PRODUCT)
    assert commands.apply(PRODUCT) == "Nothing to change.\n"
    assert Marketplace.objects.get().protocol_name == "osb"
    assert bytes(BrokerPassword.objects.get().digest) == digest_of(SECRETS["platform-password"])
    assert Product.objects.get().credentials_shape == {"key": "$API_KEY"}
    assert Plan.objects.get().is_free is False


def test_its_export_applied_changes_nothing(commands: Commands) -> None:
    commands.apply(PRODUCT)
    printed = commands.export()
    assert "# password: env:CF_PASSWORD" in printed
    assert commands.apply(printed) == "Nothing to change.\n"


def test_another_password_leaves_the_one_before_good_for_a_while(commands: Commands) -> None:
    commands.apply(PASSWORD)
    commands.secret("platform-password", OTHER)
    assert "~ marketplaces.cf.password: changed" in commands.apply(PASSWORD)
    assert BrokerPassword.objects.live().count() == 2


def test_one_in_use_that_a_new_one_ends_has_to_be_accepted(commands: Commands) -> None:
    commands.apply(PASSWORD)
    BrokerPassword.objects.update(last_used_at=timezone.now())
    make_password(marketplace=Marketplace.objects.get(), actor="test")
    commands.secret("platform-password", OTHER)
    assert "cf.password: The password " in commands.refused(PASSWORD)
    assert BrokerPassword.objects.live().count() == 2
    assert "~ marketplaces.cf.password: changed" in commands.apply(PASSWORD, "--accept-changed-answers")
    assert [row.last_used_at for row in BrokerPassword.objects.live()] == [None, None]


def test_a_password_that_was_replaced_is_not_brought_back(commands: Commands) -> None:
    commands.apply(PASSWORD)
    make_password(marketplace=Marketplace.objects.get(), actor="test")
    assert "it is not brought back" in commands.apply(PASSWORD)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{PLATFORM}    connector_url: https://c.example\n", "6: marketplaces.cf.connector_url: a marketplace of"),
        (f"{PLATFORM}    trusted_keys: {{}}\n", "6: marketplaces.cf.trusted_keys: a marketplace of the protocol osb"),
        (f"{PLATFORM}    password: env:NOTHING_SET\n", "6: marketplaces.cf.password: "),
        (f"{PLATFORM}    password: file:demo/example-api-key\n", "6: marketplaces.cf.password: The password must have"),
        (PRODUCT.replace("$API_KEY", "$other"), "10: marketplaces.cf.products.queue.credentials_shape: The policy"),
        (PRODUCT.replace("1.2.3", "one"), "12: marketplaces.cf.products.queue.plans.small.maintenance_version: "),
        (
            PRODUCT.replace("        plans", "        regions: [all::global]\n        plans"),
            "11: marketplaces.cf.products.queue.regions: This",
        ),
        (f"{POLICIES}marketplaces:\n  cf: {{protocol: telnet}}\n", "4: marketplaces.cf.protocol: write one of"),
        (
            f"{POLICIES}marketplaces:\n  mf: {{connector_url: https://c.example, password: env:A}}\n",
            "4: marketplaces.mf.password: a marketplace of the protocol manifold has no such key",
        ),
    ],
)
def test_it_refuses_what_is_of_the_other_protocol_or_cannot_be(commands: Commands, text: str, problem: str) -> None:
    assert_refused(commands, text, problem)
