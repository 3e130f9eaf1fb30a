"""Secrets in a set-up file are references; what they name is never printed, and never brought back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.keys.models import SigningSecret
from credservice.keys.services import enter_secret, generate_secret
from exchange.models import Platform
from provisioning.models import Marketplace
from tests.manifest.conftest import SECRETS, assert_refused

OTHER = "YW5vdGhlciBzZWNyZXQgZm9yIHRoZSB0ZXN0cw"
PLATFORM = "platforms:\n  mindcloud:\n    signing_secret: "
NEVER = "a secret is never written here itself: write env:NAME or file:PATH, for an environment variable"


def _states():
    secrets = SigningSecret.objects.order_by("created_at")
    return [(secret.open().decode(), secret.state) for secret in secrets]


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        (OTHER, NEVER),
        ("plain:text", NEVER),
        ("'env:'", NEVER),
        ("[env:A]", NEVER),
        ("env:NOT_SET", "the environment variable NOT_SET is not set: set it, or name another one"),
        ("env:EMPTY", "env:EMPTY is empty"),
        (
            "file:demo/none",
            "there is no file {folder}/demo/none: make it, or name another one (paths start at VAR_DIR)",
        ),
        ("file:demo", "{folder}/demo is no regular file: name one"),
        ("file:/dev/zero", "/dev/zero is no regular file: name one"),
        ("file:empty", "file:empty is empty"),
        ("file:long", "{folder}/long is over 64 KiB"),
        ("file:binary", "{folder}/binary is no UTF-8 text"),
        ("file:nul", "file:nul holds a NUL character"),
    ],
)
def test_it_refuses_what_is_no_reference_to_a_secret(commands, monkeypatch, reference, problem):
    monkeypatch.setenv("EMPTY", "")
    for name, content in {"empty": b"\n", "long": b"x" * 65_537, "binary": b"\xff", "nul": b"a\0b"}.items():
        (commands.folder / name).write_bytes(content)
    expected = problem.format(folder=commands.folder)
    assert_refused(commands, PLATFORM + reference + "\n", f"3: platforms.mindcloud.signing_secret: {expected}")


@pytest.mark.parametrize("secret", ["short", "x" * 40])
def test_it_refuses_a_weak_signing_secret_and_undoes_what_was_written(commands, secret):
    commands.secret("weak", secret)
    problem = "3: platforms.mindcloud.signing_secret: The signing secret must have at least 24 bytes of random text"
    assert_refused(commands, f"{PLATFORM}file:demo/weak\n", problem)


def test_an_environment_variable_holds_a_secret(commands, monkeypatch):
    monkeypatch.setenv("SIGNING", OTHER)
    assert OTHER not in commands.apply(f"{PLATFORM}env:SIGNING\n")
    assert _states() == [(OTHER, "current")]


def test_an_absolute_path_names_a_file(commands):
    commands.apply(f"{PLATFORM}file:{commands.folder}/demo/mindcloud-signing-secret\n")
    assert _states() == [(SECRETS["mindcloud-signing-secret"], "current")]


def test_a_platform_without_a_secret_is_noted(commands):
    printed = commands.apply("platforms:\n  mc: {}\n")
    assert "Note: platforms.mc: it has no signing_secret yet, so all that it sends is refused.\n" in printed


def test_a_changed_secret_becomes_current_and_the_old_one_stays_for_a_day(demo):
    demo.secret("mindcloud-signing-secret", OTHER)
    assert demo.demo() == "~ platforms.mindcloud.signing_secret: changed\nApplied: 0 created, 1 changed.\n"
    assert _states() == [(SECRETS["mindcloud-signing-secret"], "previous"), (OTHER, "current")]
    ends_at = SigningSecret.objects.get(state="previous").ends_at
    assert ends_at is not None
    assert timedelta(hours=23) < ends_at - timezone.now() < timedelta(hours=25)


def test_a_secret_that_was_replaced_in_the_console_is_not_brought_back(demo):
    generate_secret(secret_set=Platform.objects.get().secrets, actor="user:operator", overlap=timedelta(0))
    printed = demo.demo()
    assert "Note: platforms.mindcloud.signing_secret: this secret was replaced here since" in printed
    assert printed.endswith("Nothing to change.\n")
    assert SigningSecret.objects.get(state="current").open().decode() != SECRETS["mindcloud-signing-secret"]


def test_a_secret_that_was_entered_in_the_console_first_is_no_change(commands):
    commands.apply("platforms:\n  mindcloud: {}\n")
    platform = Platform.objects.get()
    enter_secret(secret_set=platform.secrets, text=SECRETS["mindcloud-signing-secret"], actor="user:operator")
    assert commands.apply(f"{PLATFORM}file:demo/mindcloud-signing-secret\n").endswith("Nothing to change.\n")


def test_a_changed_client_secret_is_sealed_anew_and_not_shown(demo, trail):
    demo.secret("manifold-client-secret", OTHER)
    assert demo.demo().startswith("~ marketplaces.manifold.client_secret: changed\n")
    assert Marketplace.objects.get(name="manifold").open_client_secret() == OTHER
    assert trail.one(action="marketplace.changed").detail["changes"] == {"sealed_client_secret": {}}


def test_nothing_of_a_secret_is_in_the_trail(commands, trail):
    commands.demo()
    lines = str([event.detail for event in trail.all()])
    assert not any(secret in lines for secret in SECRETS.values())


def test_a_client_secret_is_given_with_a_new_connector(demo):
    """The secret in the database was entered for the connector that was there, and goes to no other one."""
    moved = "marketplaces:\n  manifold:\n    connector_url: https://elsewhere.example/v1\n"
    assert "client_secret: this secret is sent to the address that changes: give it with the new one" in demo.refused(
        moved
    )
    assert Marketplace.objects.get(name="manifold").open_client_secret() == SECRETS["manifold-client-secret"]
    demo.apply(moved + "    client_secret: file:demo/manifold-client-secret\n")
    marketplace = Marketplace.objects.get(name="manifold")
    assert (marketplace.connector_url, marketplace.open_client_secret()) == (
        "https://elsewhere.example/v1",
        SECRETS["manifold-client-secret"],
    )


def test_an_api_key_goes_with_its_address(demo):
    entry = "platforms:\n  mindcloud:\n    api_url: {}\n"
    demo.apply(entry.format("https://one.example") + "    api_key: file:demo/example-api-key\n")
    assert Platform.objects.get().open_api_key() == SECRETS["example-api-key"]
    assert "api_key: this secret is sent to the address that changes" in demo.refused(
        entry.format("https://two.example")
    )
    demo.apply(entry.format("''"))
    assert Platform.objects.get().sealed_api_key is None


def test_a_signing_secret_that_leaked_and_was_erased_is_not_brought_back(demo):
    generate_secret(secret_set=Platform.objects.get().secrets, actor="user:operator", overlap=timedelta(0))
    assert SigningSecret.objects.get(state="retired").sealed is None
    assert "it is not brought back" in demo.demo()
    assert SigningSecret.objects.filter(state="current").count() == 1
