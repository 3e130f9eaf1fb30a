import pytest

from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token


@pytest.fixture
def policy(db: None) -> CredentialPolicy:
    return CredentialPolicy.objects.create(name="keys", issuer="api_key")


@pytest.fixture
def credential(policy: CredentialPolicy) -> Credential:
    context = {"external_id": "customer-7", "plan": "small"}
    return start_issue(policy=policy, context=context, subject="end_user:7", actor="test")


@pytest.fixture
def token(db: None) -> str:
    return create_token(name="product", scopes=list(Scope.values), actor="test")[1]
