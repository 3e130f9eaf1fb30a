"""A small set-up of the exchange door, and requests as MindCloud would sign them."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.keys.models import SigningSecret, SigningSecretSet
from credservice.keys.services import enter_secret
from exchange.models import EndUser, Grant, Installation, Integration, Platform
from exchange.signatures.verify import sign

SECRET = "mindcloud-signing-secret-for-tests"
VALUE = "value-that-must-never-be-in-the-trail"
IDS = {"integrationId": "int_abc123", "installationId": "install_xyz789", "endUserId": "enduser_456def"}


@dataclass
class Door:
    """A platform with the ids of the partner's document; ``post`` calls it with a sound signature."""

    client: Any
    platform: Platform
    secret: SigningSecret
    integration: Integration
    end_user: EndUser
    installation: Installation
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/credential-exchange/{self.platform.name}"

    def signed(self, path: str | None = None, *, secret: str = SECRET, **over: Any) -> dict[str, str]:
        """The signature's headers, for ``path`` and now, unless told otherwise."""
        path, _, query = (path or self.path).partition("?")
        settings = {"method": "POST", "path": path, "query": query, "timestamp": str(int(time.time()))} | over
        return sign(profile=self.platform.profile, secret=secret.encode(), **settings)

    def post(self, body: Any = None, *, path: str | None = None, headers: Any = None, **extra: Any) -> Any:
        """POST ``body`` (bytes as they are, other things as JSON, by default the document's ids)."""
        content = body if isinstance(body, bytes) else json.dumps(IDS if body is None else body).encode()
        signature = self.signed(path) if headers is None else headers
        path = path or self.path
        return self.client.post(path, content, content_type="application/json", headers=signature, **extra)

    def configure(self, **settings: Any) -> None:
        for name, value in settings.items():
            setattr(self.platform, name, value)
        self.platform.full_clean()
        self.platform.save()

    def grant(self, value: str = VALUE, *, installation: Installation | None = None) -> Credential:
        """Grant a stored credential to the end user, or narrower, to one installation."""
        credential = start_issue(
            policy=self.integration.policy,
            context={},
            subject=self.end_user.subject,
            actor="test",
            entered={"apiKey": value},
        )
        Grant.objects.create(
            integration=self.integration, end_user=self.end_user, installation=installation, line=credential.line
        )
        return credential

    def generate(self, **policy: Any) -> CredentialPolicy:
        """Let the integration's credentials be made by an issuer instead of entered."""
        generating = make_policy(name="generated", issuer="api_key", options={"name": "apiKey"}, **policy)
        self.integration.policy = generating
        self.integration.save()
        return generating


def make_policy(**settings: Any) -> CredentialPolicy:
    policy = CredentialPolicy(**{"name": "entered", "issuer": "static", "options": {"names": ["apiKey"]}} | settings)
    policy.full_clean()
    policy.save()
    return policy


def make_platform(name: str = "mindcloud", secret: str = SECRET, **settings: Any) -> Platform:
    secrets = SigningSecretSet.objects.create(label=name)
    enter_secret(secret_set=secrets, text=secret, actor="test")
    platform = Platform(name=name, secrets=secrets, **settings)
    platform.full_clean()
    platform.save()
    return platform


def make_door(client: Any) -> Door:
    platform = make_platform(is_default=True)
    integration = Integration(
        platform=platform,
        integration_id=IDS["integrationId"],
        policy=make_policy(),
        response_shape={"apiKey": "$credential.apiKey"},
    )
    integration.full_clean()
    integration.save()
    end_user = EndUser.objects.create(platform=platform, end_user_id=IDS["endUserId"], external_id="customer-1")
    installation = Installation.objects.create(
        platform=platform, integration=integration, end_user=end_user, installation_id=IDS["installationId"]
    )
    secret = platform.secrets.secrets.get()
    return Door(client, platform, secret, integration, end_user, installation)
