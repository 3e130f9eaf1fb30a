"""Holds an apply to what it prints, changes and leaves alone."""

from io import BytesIO, StringIO
from types import SimpleNamespace

from django.core.management import call_command

from credservice.audit.names import command_actor
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.keys.models import SigningSecret
from exchange.models import EndUser, Installation, Integration, Platform
from provisioning.models import Feature, LiveKey, Marketplace, Plan, Product, TrustedKey

KEY = "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690"
OTHER_KEY = "GzzWJRTkxvcVWVXJsyVTbnQGmhWq9PJcYkqsgQU9pXQ"


def test_a_dry_run_prints_the_differences_and_changes_nothing(commands, trail):
    wet = commands.demo("--dry-run").splitlines()
    assert wet[-1] == f"Dry run, nothing was changed. It would be: {len(wet) - 1} created, 0 changed."
    models = (CredentialPolicy, Credential, SigningSecret, Platform, EndUser, Marketplace, Product)
    assert not any(model.objects.exists() for model in models)
    assert not trail.all()
    assert commands.demo().splitlines()[:-1] == wet[:-1]


def test_a_changed_field_is_shown_with_its_old_and_new_value(demo):
    text = """\
policies:
  bear-key: {lifetime: 90d, overlap: 1h30m}
platforms:
  mindcloud:
    source_networks: [203.0.113.0/24]
    integrations:
      int_abc123: {name: Renamed, policy: acme-generated-key, response: {key: $credential.apiKey}}
marketplaces:
  manifold:
    trusted_keys:
      demo: {ends_at: 2027-01-31T01:00:00+01:00}
    products:
      bear:
        features:
          age: {minimum: 0.5, maximum: null}
"""
    assert demo.apply(text, "--accept-changed-answers").splitlines()[:11] == [
        "~ policies.bear-key.lifetime: null -> 90d",
        "~ policies.bear-key.overlap: 1d -> 1h30m",
        "~ platforms.mindcloud.source_networks: [] -> [203.0.113.0/24]",
        '~ platforms.mindcloud.integrations.int_abc123.name: "The document\'s example" -> Renamed',
        "~ platforms.mindcloud.integrations.int_abc123.policy: demo-api-key -> acme-generated-key",
        "~ platforms.mindcloud.integrations.int_abc123.response: {apiKey: $credential.apiKey} -> "
        "{key: $credential.apiKey}",
        '~ marketplaces.manifold.trusted_keys.demo.ends_at: null -> "2027-01-31T00:00:00Z"',
        "~ marketplaces.manifold.products.bear.features.age.minimum: 0 -> 0.5",
        "~ marketplaces.manifold.products.bear.features.age.maximum: 100 -> null",
        "Changed answers: platforms.mindcloud.integrations.int_abc123: 1 installation would be answered differently: "
        "install_xyz789. `apiKey` is no longer sent. `key` is new. The next credentials of 1 installation (rotations "
        "of the present ones too) are made by the issuer api_key, and no longer entered. The present ones stay as they "
        "are until each is rotated, 1 of them by hand. Whatever checks the values has to know those that the issuer "
        "makes. A backend that sends apiKey by the vendor API is refused.",
        "Left as they are, not in this file: 4 credential policies, 1 integration, 1 end user, 2 installations, "
        "1 marketplace, 1 trusted key, 3 products, 8 plans, 6 features.",
    ]


def test_what_the_file_does_not_name_is_left_as_it_is(demo):
    Installation.objects.filter(installation_id="install_xyz789").update(state="suspended")
    Platform.objects.update(tolerance_seconds=60)
    assert demo.apply("platforms:\n  mindcloud: {}\n").splitlines()[-1] == "Nothing to change."
    assert demo.demo() == "Nothing to change.\n"
    assert Platform.objects.get().tolerance_seconds == 60
    assert Installation.objects.get(installation_id="install_xyz789").state == "suspended"


def test_only_columns_that_changed_are_written(demo, django_assert_num_queries):
    user = EndUser.objects.get()
    demo.apply("platforms:\n  mindcloud:\n    end_users:\n      enduser_456def: {name: Renamed}\n")
    user.refresh_from_db()
    assert (user.name, user.external_id, user.attributes) == ("Renamed", "customer-1", {"region": "eu-central"})


def test_numbers_without_quotes_are_names_and_texts(commands):
    commands.apply("platforms:\n  mc:\n    end_users:\n      0123: {external_id: 1.10, name: no}\n")
    user = EndUser.objects.get()
    assert (user.end_user_id, user.external_id, user.name) == ("0123", "1.10", "no")


def test_attributes_keep_their_types(commands):
    text = "{n: 1, f: 1.5, t: true, z: null, q: '010', v: 1.2.3, s: 4e5a}"
    commands.apply(f"platforms:\n  mc:\n    end_users:\n      u: {{attributes: {text}}}\n")
    expected = {"n": 1, "f": 1.5, "t": True, "z": None, "q": "010", "v": "1.2.3", "s": "4e5a"}
    assert EndUser.objects.get().attributes == expected


def test_an_integration_of_the_same_file_may_use_its_changed_policy(demo):
    text = """\
policies:
  demo-api-key: {options: {names: [token]}}
platforms:
  mindcloud:
    integrations:
      int_abc123: {response: {apiKey: $credential.token}}
"""
    demo.apply(text, "--accept-changed-answers")  # the customers' values have the old name still
    assert Integration.objects.get(integration_id="int_abc123").response_shape == {"apiKey": "$credential.token"}


def test_another_key_under_a_label_forgets_what_the_old_one_endorsed(demo):
    key = TrustedKey.objects.get(label="demo")
    LiveKey.objects.create(trusted_key=key, public_key=KEY, endorsement="e")
    demo.secret("masterkey.json", f'{{"public_key": "{OTHER_KEY}"}}')
    assert demo.demo("--accept-changed-answers").startswith("~ marketplaces.manifold.trusted_keys.demo.key: ")
    assert TrustedKey.objects.get(label="demo").public_key == OTHER_KEY
    assert not LiveKey.objects.exists()


def test_a_key_in_another_spelling_is_the_same(demo):
    assert "-" not in KEY
    text = f"marketplaces:\n  manifold:\n    trusted_keys:\n      manifold-production: {KEY}=\n"
    assert demo.apply(text).endswith("Nothing to change.\n")


def test_a_plan_may_change_to_any_again(demo):
    path = "marketplaces:\n  manifold:\n    products:\n      bonnets:\n        plans: {large: {changes_to: any}}\n"
    assert "plans.large.changes_to: [small] -> any\n" in demo.apply(path)
    assert not Plan.objects.get(label="large", product__label="bonnets").restricts_changes


def test_a_feature_is_of_some_plans_only(demo):
    path = "marketplaces:\n  manifold:\n    products:\n      bear:\n        features: {ready: {plans: [ursa-major]}}\n"
    assert "features.ready.plans: [] -> [ursa-major]\n" in demo.apply(path)
    assert [plan.label for plan in Feature.objects.get(label="ready").plans.all()] == ["ursa-major"]
    assert demo.apply(path).endswith("Nothing to change.\n")


def test_the_file_may_come_from_standard_input(commands, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(b"policies:\n  p: {issuer: api_key}\n")))
    out = StringIO()
    call_command("apply", "-", stdout=out)
    assert out.getvalue() == "+ policies.p\nApplied: 1 created, 0 changed.\n"


def test_the_trail_tells_what_changed_but_nothing_personal(demo, trail):
    demo.apply("""\
platforms:
  mindcloud:
    approve_installations: true
    end_users:
      enduser_456def: {name: Somebody}
""")
    assert trail.one(action="platform.changed").detail == {
        "path": "platforms.mindcloud",
        "changes": {"approve_installations": {"from": False, "to": True}},
    }
    assert trail.one(action="end_user.changed").detail["changes"] == {"name": {}}
    run = trail.one(action="setup.applied")
    assert (run.actor, run.object_id) == (command_actor("apply"), "set-up.yaml")
    assert (run.detail["created"], run.detail["changed"]) == (0, 2)
