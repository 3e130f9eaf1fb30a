"""Platforms and what is in them, as they cannot be: each with its line, its key and what to do."""

import pytest
from django.core.management import CommandError

from exchange.models import Installation, Platform
from tests.manifest.conftest import assert_refused

POLICIES = "policies:\n  kept: {issuer: static, options: {names: [apiKey]}}\n  made: {issuer: api_key}\n"
PLATFORM = f"{POLICIES}platforms:\n  mc:\n"
INTEGRATION = f"{PLATFORM}    integrations:\n      int_1: {{policy: kept, response: {{apiKey: $credential.apiKey}}}}\n"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("tolerance_seconds: 4000", ".tolerance_seconds: Write 3600 or less."),
        ("tolerance_seconds: 1.5", ".tolerance_seconds: write a whole number"),
        ("requests_per_minute: 0", ".requests_per_minute: Write 1 or more."),
        ("requests_per_minute: many", ".requests_per_minute: write a whole number or null"),
        ("source_networks: 10.0.0.0/8", ".source_networks: write a list of texts"),
        ("source_networks: [here]", ".source_networks: 'here' is no network; write an address, or a network such as"),
        (
            "require_signature: false",
            ".source_networks: Without signatures a platform needs a list of source networks.",
        ),
        ("timestamp_header: a b", ".timestamp_header: A header name has letters, digits and hyphens."),
        ("construction: md5", ".construction: write one of hmac-sha256, sha256-message-secret"),
        ("public_prefix: null", ".public_prefix: this is nothing: write a text"),
        ("public_prefix: partners", ".public_prefix: Write a path such as /partners, without a final slash."),
        ('public_prefix: "/a\\0"', ".public_prefix: the text holds a character that cannot be kept"),
        ("secret: x", ".secret: there is no such key: write one of default, active,"),
    ],
)
def test_it_refuses_a_platform_that_cannot_be(commands, entry, problem):
    line = 6 if entry.partition(":")[0] in problem else 5  # what is missing is missing from the platform
    assert_refused(commands, f"{PLATFORM}    {entry}\n", f"{line}: platforms.mc{problem}")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{policy: lost, response: {a: b}}", ".policy: there is no lost under policies"),
        ("{policy: kept}", ".response: this is missing: write a mapping of names to values"),
        ("{policy: kept, response: {}}", ".response: Write a JSON object of fields"),
        ("{policy: kept, response: {a: 1}}", ".response.a: a: write a text, or a source such as $credential.apiKey."),
        ("{policy: kept, response: {a: $key}}", ".response.a: a: $key is no source. Write $credential.NAME"),
        (
            "{policy: kept, response: {a: $credential.b}}",
            ".response.a: The answer's field a takes b: the policy makes no value named b; it makes apiKey.",
        ),
        ("{policy: kept, response: {a: 010}}", ".response.a: 010 could be read in two ways: put it in quotes"),
    ],
)
def test_it_refuses_an_integration_that_cannot_be(commands, entry, problem):
    text = f"{PLATFORM}    integrations:\n      int_1: {entry}\n"
    assert_refused(commands, text, f"7: platforms.mc.integrations.int_1{problem}")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{attributes: {since: 2020-01-01}}",
            ".attributes.since: 2020-01-01 could be read in two ways: put it in quotes",
        ),
        ("{attributes: gold}", ".attributes: write a mapping of names to values"),
        (
            "{installations: {i: int_9}}",
            ".installations.i: there is no int_9 under integrations",
        ),
        ("{installations: {i: {state: active}}}", ".installations.i.integration: this is missing: write a name"),
        (
            "{installations: {i: {integration: int_1, state: on}}}",
            ".installations.i.state: write one of pending, active",
        ),
        (
            "{grants: {int_9: {}}}",
            ".grants.int_9: there is no int_9 under integrations",
        ),
        ("{grants: {int_1: {}}}", ".grants.int_1: apiKey is missing: write env:NAME or file:PATH for it"),
        ("{grants: {int_1: sk_live_1}}", ".grants.int_1: this is a single value: write each value's name and env:NAME"),
        ("{grants: int_1}", ".grants: this is a single value: write integrations, each with its values"),
        (
            "{installations: {i: {integration: int_1, grant: {}}}}",
            ".installations.i.grant: apiKey is missing: write env:",
        ),
        (f"{{external_id: {'x' * 256}}}", ".external_id: Write at most 255 characters: these are 256."),
    ],
)
def test_it_refuses_an_end_user_that_cannot_be(commands, entry, problem):
    text = f"{INTEGRATION}    end_users:\n      u: {entry}\n"
    assert_refused(commands, text, f"9: platforms.mc.end_users.u{problem}")


def test_it_refuses_values_that_the_policy_does_not_have(commands):
    entry = "{apiKey: file:demo/example-api-key, other: file:demo/example-api-key}"
    text = f"{INTEGRATION}    end_users:\n      u: {{grants: {{int_1: {entry}}}}}\n"
    problem = "9: platforms.mc.end_users.u.grants.int_1.other: the policy kept has no such value: write apiKey"
    assert_refused(commands, text, problem)


def test_it_refuses_values_for_a_policy_that_makes_its_own(commands):
    text = INTEGRATION.replace("policy: kept", "policy: made").replace(".apiKey", ".API_KEY")
    text += "    end_users:\n      u: {grants: {int_1: {API_KEY: file:demo/example-api-key}}}\n"
    problem = (
        "9: platforms.mc.end_users.u.grants.int_1.API_KEY: the policy made makes its values itself: leave them out"
    )
    assert_refused(commands, text, problem)


def test_it_refuses_two_end_users_with_one_external_id(commands):
    text = f"{PLATFORM}    end_users:\n      u: {{external_id: c}}\n      v: {{external_id: c}}\n"
    problem = "8: platforms.mc.end_users.v.external_id: this is that of u as well: each has its own"
    assert_refused(commands, text, problem)


@pytest.mark.parametrize("other", ["customer-2", '""'])
def test_it_refuses_another_external_id_than_an_end_user_has(demo, other):
    refusal = demo.refused(
        f"platforms:\n  mindcloud:\n    end_users:\n      enduser_456def: {{external_id: {other}}}\n"
    )
    assert "set-up.yaml:4: platforms.mindcloud.end_users.enduser_456def.external_id: It is customer-1" in refusal
    assert "Re-bind the end user in the console" in refusal


def test_it_refuses_an_external_id_that_another_end_user_has(demo):
    refusal = demo.refused("platforms:\n  mindcloud:\n    end_users:\n      new: {external_id: customer-1}\n")
    assert (
        "set-up.yaml:4: platforms.mindcloud.end_users.new.external_id: this is that of enduser_456def in the" in refusal
    )


def test_it_refuses_one_installation_of_two_end_users(commands):
    users = "".join(f"      {name}: {{installations: {{i: int_1}}}}\n" for name in "uv")
    text = f"{INTEGRATION}    end_users:\n{users}"
    problem = (
        "10: platforms.mc.end_users.v.installations.i: this installation stands in the file twice: keep one of them"
    )
    assert_refused(commands, text, problem)


def test_an_installation_does_not_move_to_another_end_user(demo):
    refusal = demo.refused(
        "platforms:\n  mindcloud:\n    end_users:\n      new:\n        installations: {install_xyz789: int_abc123}\n"
    )
    assert "set-up.yaml:5: " in refusal
    assert "install_xyz789: it belongs to another end user in the database, and stays there" in refusal


def test_an_installation_does_not_move_to_another_integration(demo):
    refusal = demo.refused(
        "platforms:\n  mindcloud:\n    end_users:\n      enduser_456def:\n"
        "        installations: {install_xyz789: int_generated}\n"
    )
    assert "set-up.yaml:5: " in refusal
    assert "install_xyz789: it is int_abc123 and cannot change" in refusal


def test_it_refuses_two_default_platforms(commands):
    text = "platforms:\n  a: {default: true}\n  b: {default: true}\n"
    assert_refused(commands, text, "3: platforms.b.default: a is the default already: keep one of them")


def test_it_refuses_a_default_beside_one_that_the_file_does_not_name(demo):
    refusal = demo.refused("platforms:\n  other: {default: true}\n")
    assert "platforms.other.default: mindcloud is the default platform: set its default to false" in refusal


def test_the_default_moves_where_the_file_names_both(demo):
    demo.apply("platforms:\n  other: {default: true, require_signature: true}\n  mindcloud: {default: false}\n")
    assert Platform.objects.get(is_default=True).name == "other"


def test_the_default_moves_back(demo):
    demo.apply("platforms:\n  other: {default: true}\n  mindcloud: {default: false}\n")
    demo.apply("platforms:\n  mindcloud: {default: true}\n  other: {default: false}\n")
    assert Platform.objects.get(is_default=True).name == "mindcloud"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('"eu-a ": {}', ": This begins or ends with a blank."),
        ('"eu\\u200b": {}', ": This holds a line break, an invisible character"),
        ('eu-a: {external_id: "case09-a "}', ".external_id: This begins or ends with a blank."),
        ('eu-a: {name: "Ada\\nBo"}', ".name: This holds a line break"),
    ],
)
def test_it_refuses_ids_and_names_with_blanks_at_the_ends_or_what_nobody_sees(commands, entry, problem):
    with pytest.raises(CommandError) as refusal:
        commands.apply(f"{PLATFORM}    end_users:\n      {entry}\n")
    assert problem in str(refusal.value)
    assert not Platform.objects.exists()


def test_an_installation_that_a_platform_named_with_a_blank_can_be_named_as_it_is(commands):
    users = "    end_users:\n      eu-a:\n        installations:\n          {}: {{integration: int_1}}\n"
    commands.apply(INTEGRATION + users.format("inst-1"))
    Installation.objects.update(installation_id="inst-1 ")
    commands.apply(INTEGRATION + users.format('"inst-1 "'))
    assert Installation.objects.get().installation_id == "inst-1 "
