"""A console with one row of everything, and a secret in each place that holds one."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from credservice.accounts.invitations import make_invitation
from credservice.audit import refusals
from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.crypto import seal
from credservice.keys.models import SigningSecret
from credservice.keys.services import enter_secret
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.services.grants import new_secret_set
from provisioning.models import (
    Feature,
    LiveKey,
    Marketplace,
    Plan,
    Product,
    Resource,
    ResourceCredential,
    TrustedKey,
)
from provisioning.osb.models import BrokerPassword

CANARY = "canary-7f3a9c1e-must-never-show-0123456789"
PASSWORD = "a long enough password"
MASTER_KEY = "PY7wu3q3-adYr9-0ES6CMRixup9OjO5iL7EFDFpolhk"


@pytest.fixture(autouse=True)
def _plain_static_files(settings: Any) -> None:
    """Nothing is collected for a test run, so there is no manifest to look names up in."""
    backend = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": backend}


@pytest.fixture(autouse=True)
def _every_refusal_recorded(monkeypatch: Any) -> None:
    """The trail takes so many refusals a minute; what other tests were refused must not count here."""
    monkeypatch.setattr(refusals, "_sampler", refusals.Sampler())


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Django's own hash takes a quarter of a second, on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def console(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def worker(db: None) -> None:
    """A worker that lives."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


@pytest.fixture
def world(db: None) -> "World":
    return World()


class World:
    """One of everything."""

    def __init__(self) -> None:
        self.host = User.objects.create_user("host", is_staff=True)
        self.invitation, self.invitation_code = make_invitation(
            invited="bob", roles=Group.objects.filter(name="Viewer"), days=3, by=self.host, actor="user:host"
        )
        self._make_exchange()
        self._make_provisioning()

    def _make_exchange(self) -> None:
        self.platform = Platform.objects.create(name="mindcloud", secrets=new_secret_set("mindcloud"))
        enter_secret(secret_set=self.platform.secrets, text=CANARY, actor="test")
        self.secret = SigningSecret.objects.get()
        self.policy = CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["apiKey"]})
        self.key_policy = CredentialPolicy.objects.create(name="keys", issuer="api_key")
        self.integration = self.make_integration("int_1", self.policy)
        self.end_user = EndUser.objects.create(platform=self.platform, end_user_id="eu_1", external_id="acme")
        self.installation = self.make_installation("inst_1")
        self.credential = self.make_credential()
        self.grant = Grant.objects.create(
            integration=self.integration, end_user=self.end_user, line=self.credential.line
        )

    def make_integration(self, name: str, policy: CredentialPolicy) -> Integration:
        return Integration.objects.create(
            platform=self.platform,
            integration_id=name,
            policy=policy,
            response_shape={"apiKey": f"$credential.{policy.value_names()[0]}"},
        )

    def make_installation(self, name: str, state: str = "active") -> Installation:
        return Installation.objects.create(
            platform=self.platform,
            integration=self.integration,
            end_user=self.end_user,
            installation_id=name,
            state=state,
        )

    def make_credential(self) -> Any:
        return start_issue(
            policy=self.policy,
            context={},
            subject=self.end_user.subject,
            actor="test",
            entered={"apiKey": CANARY},
        )

    def make_key(self) -> Any:
        return start_issue(policy=self.key_policy, context={}, subject=self.end_user.subject, actor="test")

    def _make_provisioning(self) -> None:
        self.marketplace = Marketplace(name="manifold", connector_url="https://api.connector.manifold.co/v1")
        place = self.marketplace.client_secret_place
        self.marketplace.sealed_client_secret = seal(CANARY.encode(), place)
        self.marketplace.save()
        self.trusted_key = TrustedKey.objects.create(
            marketplace=self.marketplace, label="master", public_key=MASTER_KEY
        )
        self.live_key = LiveKey.objects.create(trusted_key=self.trusted_key, public_key="L" * 43, endorsement="E" * 86)
        self.broker_password = BrokerPassword.objects.create(
            marketplace=self.marketplace, digest=bytes(36), hint="0123456789ab"
        )
        self.product = Product.objects.create(
            marketplace=self.marketplace, label="bear", policy=self.key_policy, regions=["all::global"]
        )
        self.plan = Plan.objects.create(product=self.product, label="ursa-minor")
        self.feature = Feature.objects.create(product=self.product, label="ready", type="boolean")
        self.resource = self.make_resource("2686c96868emyj61cgt2ma7vdntg4")
        self.resource_credential = ResourceCredential.objects.create(
            marketplace=self.marketplace,
            partner_id="27q0x2n0rkhhyd0z0mv4n1y8q1k3e",
            resource=self.resource,
            credential=self.make_key(),
        )

    def make_resource(self, partner_id: str) -> Resource:
        return Resource.objects.create(
            marketplace=self.marketplace,
            partner_id=partner_id,
            product=self.product,
            plan=self.plan,
            region="all::global",
            request_fingerprint=b"\x00" * 32,
        )
