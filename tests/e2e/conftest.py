"""Partners who call the live service."""

import httpx2
import pytest

from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id


@pytest.fixture(scope="session")
def http():
    with httpx2.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        yield client


@pytest.fixture
def mindcloud(live_service, http):
    return MindCloud(live_service, http)


@pytest.fixture
def manifold(live_service, http):
    return Manifold(live_service, http)


@pytest.fixture
def resource_id(manifold):
    """A provisioned resource."""
    resource_id = new_id()
    assert manifold.put_resource(resource_id).status_code == 201
    return resource_id
