"""Policies that cannot be: each with its line, its key and what to do."""

import pytest

from tests.manifest.conftest import assert_refused

HEAD = "policies:\n  kept: {issuer: static, options: {names: [apiKey]}}\n"
KEYS = "issuer, options, lifetime, rotation_period, overlap, multiple, stale_for, probe"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{issuer: api_key, isuer: x}", f".isuer: there is no such key: write one of {KEYS}"),
        ("{multiple: true}", ".issuer: this is missing: write one of api_key"),
        ("{issuer: magic}", ".issuer: write one of api_key"),
        ("[api_key]", f": this is a list: write a mapping of {KEYS}"),
        ("api_key", f": this is a single value: write a mapping of {KEYS}"),
        ("{issuer: api_key, issuer: static}", ".issuer: this key stands on line 3 already: keep one of them"),
        ("!thing {issuer: api_key}", ": the tag !thing means nothing here: leave it out"),
        ("{issuer: static}", '.options: names must be a list of value names, such as ["apiKey"].'),
        ("{issuer: static, options: []}", ".options: this is a list: write a mapping of names to values"),
        ("{issuer: static, options: {names: [a, a]}}", '.options.names.2: names lists the name "a" twice.'),
        (
            "{issuer: static, options: {names: [1:30]}}",
            ".options.names.1: 1:30 could be read in two ways: put it in quotes",
        ),
        (
            "{issuer: api_key, options: {prefix: A-B}}",
            ".options.prefix: prefix must be 1 to 16 lower-case letters",
        ),
        ("{issuer: api_key, options: {length: 4}}", ".options: unknown option 'length'; it takes"),
        ("{issuer: api_key, lifetime: 36501d}", ".lifetime: write 100 years at most"),
        ("{issuer: api_key, lifetime: 99999999d}", ".lifetime: write 100 years at most"),
        ("{issuer: api_key, lifetime: 1h, overlap: 1h}", ".overlap: The overlap must be shorter than the lifetime."),
        (
            "{issuer: api_key, rotation_period: 12h}",
            ".rotation_period: The rotation period must be longer than the overlap, 1 day. Write a longer one, or a",
        ),
        ("{issuer: api_key, rotation_period: 5}", ".rotation_period: write a time span such as 90d, 24h or 1h30m"),
        ("{issuer: api_key, lifetime: soon}", ".lifetime: write a time span such as 90d, 24h or 1h30m, or null"),
        ("{issuer: api_key, overlap: null}", ".overlap: this is nothing: write a time span such as 90d"),
        ("{issuer: api_key, multiple: yes}", ".multiple: write true or false"),
        ("{issuer: api_key, multiple: 'true'}", ".multiple: write true or false"),
    ],
)
def test_it_refuses_a_policy_that_cannot_be(commands, entry, problem):
    assert_refused(commands, f"{HEAD}  p: {entry}\n", f"3: policies.p{problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "polices: {}\n",
            "3: polices: there is no such key: write one of policies, event_endpoints, platforms, marketplaces",
        ),
        ("  kept: {}\n", "3: policies.kept: this key stands on line 2 already: keep one of them"),
        ("  '': {issuer: api_key}\n", '3: policies."": this name is empty or holds a NUL character'),
        ("  p q: {issuer: api_key}\n", "3: policies.p q: Write letters, digits, hyphens and underscores only."),
        ("platforms: [a]\n", "3: platforms: this is a list: write a mapping of names"),
    ],
)
def test_it_refuses_a_name_that_cannot_be(commands, text, problem):
    assert_refused(commands, HEAD + text, problem)


def test_it_lists_every_problem_in_the_order_of_the_lines(commands, trail):
    lines = commands.refused("""\
policies:
  p: {issuer: x}
platforms:
  mc:
    default: 1
    tolerance_seconds: 0
    signing_secret: x
""").splitlines()
    assert lines[0] == "set-up.yaml has 4 problems; nothing was changed."
    assert [line.split(": ")[0] for line in lines[1:]] == [f"set-up.yaml:{number}" for number in (2, 5, 6, 7)]
    assert not trail.all()


def test_a_policy_with_credentials_keeps_its_issuer(demo):
    refusal = demo.refused("policies:\n  demo-api-key: {issuer: api_key, options: {name: apiKey}}\n")
    assert "set-up.yaml:2: policies.demo-api-key.issuer: credentials were made by this policy's issuer" in refusal


def test_a_policy_still_makes_what_an_unnamed_integration_answers_with(demo):
    refusal = demo.refused("policies:\n  demo-api-key:\n    options: {names: [token]}\n")
    assert (
        "set-up.yaml:2: policies.demo-api-key: integration int_abc123 of mindcloud uses it: The answer's field apiKey "
        "takes apiKey: the policy makes no value named apiKey; it makes token. To rename a value, make a policy that "
        "makes it under both names" in refusal
    )


def test_a_policy_still_suits_an_unnamed_product(demo):
    refusal = demo.refused("policies:\n  cub-key:\n    options: {name: cubKey}\n")
    assert "set-up.yaml:2: policies.cub-key: product cub of manifold uses it: The marketplace takes upper-" in refusal
