from typing import Any

import pytest

from credservice.audit import refusals
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.issuers import get_issuer
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token
from tests.credentials.remote import ALIAS
from tests.support.exchange_factories import Door, make_door
from tests.vendor_api.client import Vendor


@pytest.fixture(autouse=True)
def _every_refusal_recorded(monkeypatch):
    """The refusals of earlier tests count towards no sample of this one."""
    monkeypatch.setattr(refusals, "_sampler", refusals.Sampler())


@pytest.fixture
def policy(db: None) -> CredentialPolicy:
    return CredentialPolicy.objects.create(name="keys", issuer="api_key")


@pytest.fixture
def credential(policy: CredentialPolicy) -> Credential:
    context = {"external_id": "customer-7", "plan": "small"}
    return start_issue(policy=policy, context=context, subject="end_user:7", actor="test")


@pytest.fixture
def remote(settings: Any, db: None) -> Any:
    """An issuer with an outside, and a policy of it."""
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | ALIAS
    CredentialPolicy.objects.create(name="remote", issuer="remote")
    return get_issuer("remote")


@pytest.fixture
def token(db: None) -> str:
    return create_token(name="product", scopes=list(Scope.values), actor="test")[1]


@pytest.fixture
def vendor(client, db) -> Vendor:
    """The vendor's backend, with every scope."""
    return Vendor(client)


@pytest.fixture
def door(client, db) -> Door:
    """A platform, an integration with a policy whose values are entered, an end user and an installation."""
    return make_door(client)
