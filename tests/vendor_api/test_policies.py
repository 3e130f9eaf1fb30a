"""Policies, as a script sets them up: by the checks of the set-up file."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.vendor_api.models import Scope
from exchange.models import Grant, Installation, Integration
from provisioning.models import Marketplace, Product, Resource, ResourceCredential
from tests.support.console import World
from tests.vendor_api.client import Vendor, refused

KEYS = {
    "issuer": "api_key",
    "options": {"name": "apiKey", "prefix": "acme"},
    "lifetime_seconds": 90 * 86400,
    "overlap_seconds": 5400,
}


def test_it_makes_a_policy_and_shows_what_it_takes(vendor, trail):
    answer = vendor.put("/policies/keys", KEYS)
    assert (answer.status_code, answer.json() | KEYS) == (201, answer.json())
    fields = {name: answer.json()[name] for name in (*KEYS, "rotation_seconds", "stale_seconds", "multiple", "probe")}
    assert vendor.put("/policies/keys", fields).json() == answer.json()
    assert trail.one(action="credential_policy.created").actor == "token:backend"
    assert not trail.all(action="credential_policy.changed")


@pytest.mark.parametrize(("lifetime", "overlap"), [(86400, 43200), (600, 300), (90000, 86400), (None, 86400)])
def test_an_overlap_that_is_left_out_fits_the_lifetime(vendor, lifetime, overlap):
    body = {name: value for name, value in KEYS.items() if name != "overlap_seconds"} | {"lifetime_seconds": lifetime}
    assert vendor.put("/policies/keys", body).json()["overlap_seconds"] == overlap
    vendor.put("/policies/keys", {"overlap_seconds": 60})
    assert vendor.put("/policies/keys", body).json()["overlap_seconds"] == 60  # it is no new one any more


def test_a_span_is_taken_away_by_null(vendor, trail):
    vendor.put("/policies/keys", KEYS)
    assert vendor.put("/policies/keys", {"lifetime_seconds": None}).json()["lifetime_seconds"] is None
    changes = trail.one(action="credential_policy.changed").detail["changes"]
    assert changes == {"lifetime": {"from": "90d", "to": None}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/issuer"),
        ({"issuer": "magic"}, "/issuer"),
        ({"issuer": "static"}, "/options"),
        ({"issuer": "static", "options": {"names": "apiKey"}}, "/options/names"),
        ({"issuer": "static", "options": {"names": ["apiKey", "x" * 129]}}, "/options/names/1"),
        ({"issuer": "static", "options": {"names": ["apiKey", ""]}}, "/options/names/1"),
        ({"issuer": "static", "options": {"names": ["apiKey", 7]}}, "/options/names/1"),
        ({"issuer": "static", "options": {"names": ["apiKey", "apiKey"]}}, "/options/names/1"),
        (KEYS | {"options": {"unknown": 1}}, "/options"),
        (KEYS | {"lifetime_seconds": -1}, "/lifetime_seconds"),
        (KEYS | {"lifetime_seconds": "90d"}, "/lifetime_seconds"),
        (KEYS | {"rotation_seconds": 0}, "/rotation_seconds"),
        (KEYS | {"probe": {"type": "magic"}}, "/probe"),
    ],
)
def test_it_refuses_what_the_set_up_file_does(vendor, body, pointer):
    refused(vendor.put("/policies/keys", body), 400, "invalid_request", pointer)
    assert not CredentialPolicy.objects.exists()


def test_a_span_has_a_bound(vendor):
    body = refused(vendor.put("/policies/keys", KEYS | {"lifetime_seconds": 10**10}), 400, "invalid_request")
    assert "Send 100 years at most: 3153600000 seconds." in str(body)


def test_options_that_are_nested_too_deep_are_refused(vendor):
    options = {}
    for _ in range(40):
        options = {"a": options}
    refused(vendor.put("/policies/keys", KEYS | {"options": options}), 400, "invalid_request")
    refused(vendor.put("/policies/keys", KEYS | {"options": {"n": 10**400}}), 400, "invalid_request")


def test_the_issuer_of_credentials_ends_them(vendor, credential):
    body = {"issuer": "static", "options": {"names": ["API_KEY"]}}
    refused(vendor.put("/policies/keys", body), 400, "invalid_request", "/issuer")


def test_a_policy_goes_on_suiting_what_uses_it(vendor, door):
    body = refused(vendor.put("/policies/entered", {"options": {"names": ["other"]}}), 400, "invalid_request")
    assert "int_abc123" in body["detail"]


def test_without_that_of_trust_a_token_writes_the_rest(vendor, client):
    vendor.put("/policies/keys", KEYS)
    writer = Vendor(client, scopes=[Scope.WRITE_SETUP], name="writer")
    assert writer.put("/policies/keys", {"multiple": True}).json()["multiple"] is True


@pytest.fixture
def bear(db):
    """Product bear, of which a resource has one live credential by the policy ``keys``."""
    return World()


RENAMED = {"options": {"name": "BEAR_TOKEN"}}
LEFT = "1 resource has 1 live credential made by it"
CHANGED = "have BEAR_TOKEN in place of API_KEY. Their users' apps read the values by these names."


def test_renamed_values_of_live_resources_are_to_be_accepted(vendor, bear, trail):
    detail = refused(vendor.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail == f"{LEFT}, of product bear. Their next credentials, and rotations of these, would {CHANGED}"
    assert CredentialPolicy.objects.get(name="keys").value_names() == ("API_KEY",)
    assert vendor.put("/policies/keys?accept_changed_answers=true", RENAMED).status_code == 200
    detail = trail.one(action="credential_policy.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


def test_a_token_that_reads_no_installations_is_told_of_no_product(vendor, bear):
    narrow = Vendor(vendor.client, scopes=[Scope.WRITE_SETUP, Scope.WRITE_TRUST], name="narrow")
    detail = refused(narrow.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail.startswith(f"{LEFT}. Their next")


def test_what_changes_no_name_is_not_asked_about(vendor, bear):
    body = {"options": {"environment": "live", "name": "API_KEY"}, "lifetime_seconds": None, "multiple": False}
    assert vendor.put("/policies/keys", body).status_code == 200  # they are what holds without them


def test_more_resources_than_are_counted_are_told_as_such(vendor, bear, monkeypatch):
    for module in ("credservice.credentials.policy_impact", "provisioning.credential_hooks"):
        monkeypatch.setattr(f"{module}.MAX_COUNTED", 1)
    detail = refused(vendor.put("/policies/keys", RENAMED), 409, "answers_would_change")["detail"]
    assert detail.startswith("1+ resources have 1+ live credentials made by it, of product bear.")


def test_a_set_up_file_renames_them_only_where_that_is_accepted(bear, tmp_path, trail):
    file = tmp_path / "set-up.yaml"
    file.write_text("policies:\n  keys: {options: {name: BEAR_TOKEN}}\n")
    with pytest.raises(CommandError, match=f"policies.keys: {LEFT}, of product bear"):
        call_command("apply", str(file))
    assert CredentialPolicy.objects.get(name="keys").value_names() == ("API_KEY",)
    call_command("apply", str(file), "--accept-changed-answers")
    detail = trail.one(action="credential_policy.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


PRODUCT = "/marketplaces/manifold/products/bear"


def test_another_policy_of_a_product_is_asked_about_as_well(vendor, bear, trail):
    CredentialPolicy.objects.create(name="tokens", issuer="api_key", options={"name": "BEAR_TOKEN"})
    detail = refused(vendor.put(PRODUCT, {"policy": "tokens"}), 409, "answers_would_change")["detail"]
    assert detail == (
        f"1 resource has 1 live credential, of product bear. Their next credentials would {CHANGED} Rotations of the "
        "present ones keep their names, made by the policy keys as before; where the marketplace itself replaces one, "
        "that is a new credential."
    )
    assert vendor.put(f"{PRODUCT}?accept_changed_answers=true", {"policy": "tokens"}).status_code == 200
    detail = trail.one(action="product.changed").detail
    assert detail["accepted_changed_answers"] == {"resources_with_other_names": 1}


def test_another_policy_that_makes_the_same_is_not(vendor, bear):
    CredentialPolicy.objects.create(name="same", issuer="api_key", options={"name": "API_KEY"})
    assert vendor.put(PRODUCT, {"policy": "same"}).status_code == 200


@pytest.mark.parametrize(
    ("policy", "told", "counted"),
    [
        (
            {"issuer": "api_key", "options": {"prefix": "acme"}},
            "The next credentials of 1 resource are made with another prefix. They are of product bear. Rotations of "
            "the present ones are made by the policy keys as before; where the marketplace itself replaces one, that "
            "is a new credential.",
            "made_otherwise",
        ),
        (
            {"issuer": "api_key", "lifetime": timedelta(days=2)},
            "The next credentials of 1 resource end 2 days after they are made. Nothing makes successors before: a "
            "resource's user has to delete it and create another. They are of product bear. The present ones keep "
            "their end.",
            "end_unrenewed",
        ),
        (
            {"issuer": "static", "options": {"names": ["API_KEY"]}},
            "A marketplace that asks for another credential is refused: nothing makes it. It is used by product bear.",
            "entered_otherwise",
        ),
    ],
)
def test_another_policy_of_a_product_is_judged_as_a_changed_one(vendor, bear, trail, policy, told, counted):
    CredentialPolicy.objects.create(name="others", **policy)
    assert refused(vendor.put(PRODUCT, {"policy": "others"}), 409, "answers_would_change")["detail"] == told
    assert vendor.put(f"{PRODUCT}?accept_changed_answers=true", {"policy": "others"}).status_code == 200
    assert trail.one(action="product.changed").detail["accepted_changed_answers"] == {counted: 1}


OTHERS = {"options": {"prefix": "acme"}}


def test_what_is_made_otherwise_is_to_be_accepted(vendor, bear, trail):
    detail = refused(vendor.put("/policies/keys", OTHERS), 409, "answers_would_change")["detail"]
    assert detail == (
        "The next credentials of 1 resource (rotations of the present ones too) are made with another prefix. They are "
        "of product bear. The present ones stay as they are until each is rotated, 1 of them by hand."
    )
    assert CredentialPolicy.objects.get(name="keys").options == {}
    assert vendor.put("/policies/keys?accept_changed_answers=true", OTHERS).status_code == 200
    assert trail.one(action="credential_policy.changed").detail["accepted_changed_answers"] == {"made_otherwise": 1}
    assert vendor.put("/policies/keys", OTHERS).status_code == 200


def test_other_names_and_other_options_are_both_told_of(vendor, bear, trail):
    both = {"options": {"name": "BEAR_TOKEN", "prefix": "acme", "environment": "test"}}
    detail = refused(vendor.put("/policies/keys", both), 409, "answers_would_change")["detail"]
    assert "have BEAR_TOKEN in place of API_KEY" in detail
    assert "are made with another prefix and environment." in detail
    assert vendor.put("/policies/keys?accept_changed_answers=true", both).status_code == 200
    accepted = trail.one(action="credential_policy.changed").detail["accepted_changed_answers"]
    assert accepted == {"resources_with_other_names": 1, "made_otherwise": 1}


JWT = {"audience": "demo-product", "claims": {"sub": "$end_user"}, "name": "token"}
CHANGED_JWT = JWT | {"audience": "other-secret-product", "algorithm": "RS256"}


@pytest.fixture
def tokens(door):
    """The integration's customer gets tokens: of its installation, and of a grant without one."""
    policy = CredentialPolicy.objects.create(name="tokens", issuer="jwt", options=JWT)
    Integration.objects.update(policy=policy, response_shape={"token": "$credential.token"})
    return policy


def test_tokens_of_live_installations_are_made_otherwise_only_where_accepted(vendor, tokens):
    detail = refused(vendor.put("/policies/tokens", {"options": CHANGED_JWT}), 409, "answers_would_change")["detail"]
    assert detail == (
        "The next credentials of 1 installation (rotations of the present ones too) are made with another audience and "
        "algorithm. They are of integration int_abc123."
    )
    narrow = Vendor(vendor.client, scopes=[Scope.WRITE_SETUP, Scope.WRITE_TRUST], name="narrow")
    brief = refused(narrow.put("/policies/tokens", {"options": CHANGED_JWT}), 409, "answers_would_change")["detail"]
    assert "int_abc123" not in brief
    tokens.refresh_from_db()
    assert tokens.options == JWT
    changed = vendor.put("/policies/tokens?accept_changed_answers=true", {"options": CHANGED_JWT})
    assert changed.json()["options"] == CHANGED_JWT


def test_a_grant_without_an_installation_counts_and_a_suspended_one_does_not(vendor, tokens, door):
    Installation.objects.update(state="suspended")
    assert vendor.put("/policies/tokens", {"options": JWT | {"algorithm": "ES256"}}).status_code == 200
    line = start_issue(policy=tokens, context={"end_user": "e"}, subject=door.end_user.subject, actor="test").line
    Grant.objects.create(integration=door.integration, end_user=door.end_user, line=line)
    detail = refused(vendor.put("/policies/tokens", {"options": JWT}), 409, "answers_would_change")["detail"]
    assert detail.startswith("The next credentials of 1 grant (")
    # What it has made, it makes the successors of where the integration has another policy by now that makes none.
    other = CredentialPolicy.objects.create(name="other", issuer="jwt", options=JWT)
    Integration.objects.update(policy=other)
    assert vendor.put("/policies/tokens", {"options": JWT | {"algorithm": "RS256"}}).status_code == 200
    entered = CredentialPolicy.objects.create(name="entered_tokens", issuer="static", options={"names": ["token"]})
    Integration.objects.update(policy=entered)
    detail = refused(vendor.put("/policies/tokens", {"options": JWT}), 409, "answers_would_change")["detail"]
    assert detail.startswith("The next credentials of 1 grant (")
    Installation.objects.update(state="active")
    detail = refused(vendor.put("/policies/tokens", {"options": JWT}), 409, "answers_would_change")["detail"]
    assert detail.startswith("The next credentials of 1 installation (")


@pytest.mark.parametrize("claims", [{"sub": "$nope"}, {"deep": [{"er": "$nope"}]}, {"sub": "$end_user.nope"}])
def test_a_source_that_there_is_not_is_refused_with_those_that_there_are(vendor, tokens, claims):
    sent = {"issuer": "jwt", "options": JWT | {"claims": claims}}
    for where in ("/policies/tokens?accept_changed_answers=true", "/policies/others"):
        body = refused(vendor.put(where, sent), 400, "invalid_request", "/options/claims")
        assert "Claims names a source that there is not: $" in str(body)
        assert "there are $end_user, $external_id, $integration, $installation, $resource" in str(body)


def test_a_set_up_file_is_refused_for_both(tokens, tmp_path):
    file = tmp_path / "set-up.yaml"
    file.write_text("policies:\n  tokens: {options: {audience: demo-product, name: token, claims: {sub: $nope}}}\n")
    with pytest.raises(CommandError, match=r"claims names a source that there is not: \$nope"):
        call_command("apply", str(file), "--accept-changed-answers")
    file.write_text(
        "policies:\n  tokens: {options: {audience: demo-product, name: token, claims: {sub: $external_id}}}\n"
    )
    with pytest.raises(CommandError, match=r"tokens: The next credentials of 1 installation .* with other claims\."):
        call_command("apply", str(file))
    tokens.refresh_from_db()
    assert tokens.options == JWT
    call_command("apply", str(file), "--accept-changed-answers")
    tokens.refresh_from_db()
    assert tokens.options["claims"] == {"sub": "$external_id"}


@pytest.fixture
def bound(bear):
    """The product is of a broker, and has one live binding."""
    CredentialPolicy.objects.create(name="tokens", issuer="api_key", options={"name": "BEAR_TOKEN"})
    Product.objects.update(credentials_shape={"uri": "amqp://q", "login": {"key": "$API_KEY"}}, regions=[])
    Marketplace.objects.update(protocol_name="osb", connector_url="")
    return bear


SHAPE = {"credentials_shape": {"uri": "amqp://other", "login": {"token": "$API_KEY"}}}


def test_a_shape_of_live_bindings_is_to_be_accepted(vendor, bound, trail):
    detail = refused(vendor.put(PRODUCT, SHAPE), 409, "answers_would_change")["detail"]
    assert detail == (
        "1 live binding of product bear is answered otherwise at once: to a GET, and to the same PUT again. "
        "login.key is no longer sent. login.token is new. uri is another."
    )
    assert vendor.put(f"{PRODUCT}?accept_changed_answers=true", SHAPE).status_code == 200
    accepted = trail.one(action="product.changed").detail["accepted_changed_answers"]
    assert accepted == {"bindings_in_another_shape": 1, "bindings_without_answer": 0}
    detail = refused(vendor.put(PRODUCT, {"credentials_shape": {}}), 409, "answers_would_change")["detail"]
    assert "API_KEY is new." in detail


def test_a_shape_that_live_bindings_cannot_fill_says_so(vendor, bound):
    body = {"policy": "tokens", "credentials_shape": {"login": {"key": "$BEAR_TOKEN"}}}
    detail = refused(vendor.put(PRODUCT, body), 409, "answers_would_change")["detail"]
    assert "1 of them lacks a value that is asked for, and would get no answer." in detail


def test_a_shape_is_not_asked_about_where_none_is_live_or_no_protocol_asks_for_it(vendor, bound):
    ResourceCredential.objects.update(deprovisioned_at=timezone.now())
    assert vendor.put(PRODUCT, SHAPE).status_code == 200
    ResourceCredential.objects.update(deprovisioned_at=None)
    connector = "https://api.connector.example/v1"
    Marketplace.objects.update(protocol_name="manifold", connector_url=connector)
    Product.objects.update(regions=["all::global"])
    assert vendor.put(PRODUCT, {"credentials_shape": {}}).status_code == 200


def test_a_set_up_file_changes_a_shape_only_where_that_is_accepted(bound, tmp_path):
    file = tmp_path / "set-up.yaml"
    file.write_text("marketplaces:\n  manifold: {products: {bear: {credentials_shape: {key: $API_KEY}}}}\n")
    with pytest.raises(CommandError, match="1 live binding of product bear is answered otherwise at once"):
        call_command("apply", str(file))
    call_command("apply", str(file), "--accept-changed-answers")
    assert Product.objects.get().credentials_shape == {"key": "$API_KEY"}


def test_another_provisioner_of_resources_that_there_are_is_to_be_accepted(vendor, bear, trail):
    Product.objects.update(provisioner="lost")
    detail = refused(vendor.put(PRODUCT, {"provisioner": ""}), 409, "answers_would_change")["detail"]
    assert detail == (
        "1 resource of product bear is there. Changes of plan and ends are told to no endpoint from now on, and no "
        "longer to lost."
    )
    assert vendor.put(f"{PRODUCT}?accept_changed_answers=true", {"provisioner": ""}).json()["provisioner"] == ""
    accepted = trail.one(action="product.changed").detail["accepted_changed_answers"]
    assert accepted == {"resources_of_another_provisioner": 1}
    Product.objects.update(provisioner="lost")
    Resource.objects.update(state=Resource.State.DEPROVISIONED)
    assert vendor.put(PRODUCT, {"provisioner": ""}).status_code == 200


def test_an_end_of_entered_values_is_to_be_accepted(vendor, bear, trail):
    answer = vendor.put("/policies/entered", {"lifetime_seconds": 172800})
    assert refused(answer, 409, "answers_would_change")["detail"] == (
        "The next credentials of 1 installation end 2 days after they are entered. Entered values have no successor "
        "until somebody enters one. Their customers get no answer until then. They are of integration int_1. The "
        "present ones keep their end."
    )
    accepted = "/policies/entered?accept_changed_answers=true"
    assert vendor.put(accepted, {"lifetime_seconds": 172800}).json()["lifetime_seconds"] == 172800
    assert trail.one(action="credential_policy.changed").detail["accepted_changed_answers"] == {"end_unrenewed": 1}
    assert vendor.put("/policies/entered", {"lifetime_seconds": 259200}).status_code == 200


def test_entered_values_have_no_rotation_period(vendor, bear):
    answer = vendor.put("/policies/entered", {"rotation_seconds": 86400})
    problem = refused(answer, 400, "invalid_request", "/rotation_seconds")
    assert "Its values are entered: nothing can rotate them by itself." in problem["detail"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 300, f'entry 2, "{"x" * 40}…", has 300 characters, and a name has at most 128.'),
        ("", "entry 2 is empty."),
        (7, "entry 2 is no text."),
        ("a\nb", 'entry 2, "a?b", holds a line break or a character that cannot be seen.'),
    ],
)
def test_a_bad_name_of_a_value_is_told_apart(vendor, name, said):
    sent = {"issuer": "static", "options": {"names": ["apiKey", name]}}
    body = refused(vendor.put("/policies/keys", sent), 400, "invalid_request")
    assert body["errors"] == [{"pointer": "/options/names/1", "message": f"Names must hold names of values: {said}"}]


def test_the_name_of_the_one_value_has_a_limit(vendor):
    sent = {"issuer": "api_key", "options": {"name": "x" * 300}}
    body = refused(vendor.put("/policies/keys", sent), 400, "invalid_request", "/options/name")
    assert body["detail"].endswith(": this has 300 characters, and a name has at most 128.")
