"""Policies of each kind, and the issuer with an outside."""

import pytest

from credservice.credentials.models import CredentialPolicy
from credservice.credentials.services import start_issue
from credservice.issuers import get_issuer
from tests.credentials.remote import ALIAS

ACTOR = "user:ann"


@pytest.fixture
def keys_policy(db):
    return CredentialPolicy.objects.create(name="keys", issuer="api_key")


@pytest.fixture
def static_policy(db):
    return CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["apiKey"]})


@pytest.fixture
def remote(settings):
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | ALIAS
    return get_issuer("remote")


@pytest.fixture
def remote_policy(db, remote):
    return CredentialPolicy.objects.create(name="remote", issuer="remote")


@pytest.fixture
def issue():
    """Issue by a policy; more arguments go to ``start_issue``."""

    def issue(policy, **more):
        return start_issue(**{"policy": policy, "context": {}, "subject": "end_user:1", "actor": ACTOR} | more)

    return issue
