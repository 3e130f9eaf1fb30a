"""docs/examples/demo.yaml: both partner documents' examples."""

from credservice.credentials.models import CredentialPolicy
from credservice.keys.models import SigningSecret
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from provisioning.models import Product
from tests.manifest.conftest import DEMO, SECRETS


def test_a_second_run_changes_nothing(commands, trail):
    assert "Applied: " in commands.demo()
    lines = len(trail.all())
    assert commands.demo() == "Nothing to change.\n"
    assert len(trail.all()) == lines


def test_the_first_run_prints_every_difference_in_the_files_order(commands):
    printed = commands.demo().splitlines()
    assert printed[0] == "+ policies.demo-api-key"
    assert "+ platforms.mindcloud.end_users.enduser_456def.installations.install_xyz789" in printed
    assert printed[-2] == "+ marketplaces.platform.products.queue.features.mode"
    assert printed[-1] == f"Applied: {len(printed) - 1} created, 0 changed."


def test_the_exchange_documents_example_is_granted_its_key(demo):
    installation = Installation.objects.get(
        installation_id="install_xyz789",
        integration__integration_id="int_abc123",
        end_user__end_user_id="enduser_456def",
        platform=Platform.objects.get(is_default=True, name="mindcloud"),
    )
    grant = Grant.objects.get(integration=installation.integration, end_user=installation.end_user)
    credential = grant_credential(grant)
    assert credential.open() == {"apiKey": SECRETS["example-api-key"]}


def test_the_platforms_secret_is_the_files(demo):
    secret = SigningSecret.objects.get(state="current")
    assert secret.open().decode() == SECRETS["mindcloud-signing-secret"]


def test_the_marketplaces_client_secret_is_the_files(demo):
    marketplace = Product.objects.get(label="bear").marketplace
    assert marketplace.client_id == "21jtaatqj8y5t0kctb2ejr6jev5w8"
    assert marketplace.open_client_secret() == SECRETS["manifold-client-secret"]


def test_the_keys_of_the_marketplace_and_of_its_checker_are_trusted(demo):
    keys = Product.objects.get(label="bear").marketplace.trusted_keys.order_by("label")
    assert [(key.label, key.public_key, key.is_test) for key in keys] == [
        ("demo", "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk", True),
        ("manifold-production", "PtISNzqQmQPBxNlUw3CdxsWczXbIwyExxlkRqZ7E690", False),
    ]


def test_the_documents_command_finds_its_product(demo):
    bear = Product.objects.get(label="bear")
    assert bear.regions == ["all::global"]
    assert set(bear.plans.values_list("label", flat=True)) == {"ursa-minor", "ursa-major"}
    assert set(bear.features.values_list("label", "type", "is_metered")) == {
        ("age", "number", False),
        ("hat_color", "string", False),
        ("ready", "boolean", False),
        ("honey", "number", True),
    }


def test_bonnets_restrict_the_way_back(demo):
    large = Product.objects.get(label="bonnets").plans.get(label="large")
    assert large.restricts_changes
    assert [plan.label for plan in large.changes_to.all()] == ["small"]


def test_one_product_supports_a_single_credential(demo):
    assert [product.label for product in Product.objects.filter(policy__multiple=False)] == ["cub"]


def grant_credential(grant):
    from credservice.credentials.models import Credential

    return Credential.objects.get(line=grant.line, state="active")


def test_only_what_is_missing_is_created(commands, demo, trail):
    changed = {"attributes": {"region": "us-east"}, "name": "Renamed"}
    EndUser.objects.filter(end_user_id="enduser_456def").update(**changed)
    CredentialPolicy.objects.filter(name="queue-key").update(rotation_period=None)
    Integration.objects.filter(integration_id="int_generated").update(response_shape={"key": "$credential.apiKey"})
    commands.secret("example-api-key", "another-value-of-the-tests")
    new = "    features:\n          later: {type: boolean}\n          age:"
    text = DEMO.read_text().replace("    features:\n          age:", new, 1)
    before = len(trail.all())
    assert commands.apply(text, "--only-missing").splitlines()[0] == (
        "+ marketplaces.manifold.products.bear.features.later"
    )
    assert [line.action for line in trail.all()[before:]] == ["feature.created", "setup.applied"]
    assert EndUser.objects.filter(end_user_id="enduser_456def", **changed).exists()
    assert CredentialPolicy.objects.get(name="queue-key").rotation_period is None
    assert Integration.objects.get(integration_id="int_generated").response_shape == {"key": "$credential.apiKey"}
    assert commands.apply(text, "--only-missing") == "Nothing to change.\n"
    assert "~ platforms.mindcloud.end_users.enduser_456def" in commands.apply(text, "--accept-changed-answers")
