"""Marketplaces and what is in them, as they cannot be: each with its line, its key and what to do."""

import pytest

from tests.manifest.conftest import assert_refused

POLICIES = "policies:\n  kept: {issuer: static, options: {names: [apiKey]}}\n  made: {issuer: api_key}\n"
MARKET = f"{POLICIES}marketplaces:\n  mf:\n    connector_url: http://localhost:3001/v1\n"
PRODUCT = f"{MARKET}    products:\n      pr:\n        policy: made\n        regions: [all::global]\n"
PUBLISHED = "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{}", ".connector_url: Write the address of its connector."),
        ("{connector_url: nowhere}", ".connector_url: Enter a valid URL."),
        ("{connector_url: [a]}", ".connector_url: this is a list: write a text"),
    ],
)
def test_it_refuses_a_marketplace_that_cannot_be(commands, entry, problem):
    assert_refused(commands, f"{MARKET}  mg: {entry}\n", f"7: marketplaces.mg{problem}")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("c2hvcnQ", ": this is no public key (5 bytes; an Ed25519 public key has 32): write a public key in base64"),
        ("'***'", ": this is no public key (not base64)"),
        ("file:demo/none", ": there is no file"),
        ("file:demo/example-api-key", ": this is no public key (the file is no JSON object with public_key)"),
        (
            "{test: true}",
            ".key: this is missing: write a public key in base64, or file:PATH of a JSON file with public_key",
        ),
        (
            f"{{key: {PUBLISHED}, ends_at: 2027-01-31}}",
            ".ends_at: write a time with its zone such as 2027-01-31T00:00:00Z",
        ),
        (f"{{key: {PUBLISHED}, ends_at: never}}", ".ends_at: write a time with its zone such as 2027-01-31T00:00:00Z"),
    ],
)
def test_it_refuses_a_key_that_cannot_be(commands, entry, problem):
    assert_refused(
        commands, f"{MARKET}    trusted_keys: {{k: {entry}}}\n", f"7: marketplaces.mf.trusted_keys.k{problem}"
    )


def test_it_refuses_one_key_under_two_labels(commands):
    text = f"{MARKET}    trusted_keys:\n      a: {PUBLISHED}\n      b: {PUBLISHED}\n"
    assert_refused(commands, text, "9: marketplaces.mf.trusted_keys.b: this is that of a as well: each has its own")


def test_it_refuses_a_key_that_another_marketplace_is_trusted_by(demo):
    refusal = demo.refused(
        f"marketplaces: {{other: {{connector_url: https://o.example/v1, trusted_keys: {{k: {PUBLISHED}}}}}}}"
    )
    assert "trusted_keys.k: this is that of manifold-production in the database: change that one first" in refusal


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{policy: made}", ".regions: List at least one region;"),
        ("{policy: made, regions: [mars]}", ".regions: mars: Write PLATFORM::LOCATION, such as aws::us-east-1."),
        (
            "{policy: made, regions: []}",
            '.regions: List at least one region; ["all::global"] where the product has none.',
        ),
        ("{policy: kept, regions: [all::global]}", ".policy: The marketplace takes upper-case names such as API_KEY;"),
    ],
)
def test_it_refuses_a_product_that_cannot_be(commands, entry, problem):
    assert_refused(commands, f"{MARKET}    products: {{pr: {entry}}}\n", f"7: marketplaces.mf.products.pr{problem}")


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("plans: {P: {}}", ".plans.P: Write 2 to 129 of a-z, 0-9, - and _."),
        ("plans: {p1: {changes_to: [p2]}}", ".plans.p1.changes_to.1: the product has no plan p2"),
        (
            "plans: {p1: {changes_to: all}}",
            ".plans.p1.changes_to: this is a single value: write a list of plans, or any",
        ),
        ("features: {f1: {type: colour}}", ".features.f1.type: write one of boolean, string, number"),
        ("features: {f1: {type: string}}", '.features.f1.values: List what it may be, such as ["red", "blue"].'),
        ("features: {f1: {type: number, minimum: few}}", ".features.f1.minimum: write a number or null"),
        ("features: {f1: {type: number, minimum: 2, maximum: 1}}", ".features.f1.maximum: The maximum is under the"),
        ("features: {f1: {type: boolean, metered: true}}", ".features.f1.type: A metered feature is a number."),
        ("features: {f1: {type: boolean, plans: [p9]}}", ".features.f1.plans.1: the product has no plan p9"),
        (
            "features: {f1: {type: number, minimum: 1.00001}}",
            ".features.f1.minimum: Ensure that there are no more than 4",
        ),
    ],
)
def test_it_refuses_plans_and_features_that_cannot_be(commands, entry, problem):
    assert_refused(commands, f"{PRODUCT}        {entry}\n", f"11: marketplaces.mf.products.pr{problem}")
