"""A service of these tests' own, as what they send changes it; and the client that calls it."""

import json
import secrets
from collections.abc import Iterator

import pytest

from credservice.vendor_api.models import Scope
from credservice_client import Client, CredserviceError
from tests.client.faults import GOOD, TOKEN
from tests.support.http_server import http_server
from tests.support.live import LiveService, own_database, serving
from tests.support.mindcloud_server import API_KEY, MindCloudApi, mindcloud_api


@pytest.fixture(scope="session")
def vendor_service() -> Iterator[LiveService]:
    with own_database() as url, serving(url) as service:
        yield service


@pytest.fixture(scope="session")
def service_token(vendor_service: LiveService) -> str:
    """With every scope."""
    done = vendor_service.manage("create_token", "client", *(f"--scope={scope}" for scope in Scope.values))
    return done.stdout.strip()


@pytest.fixture(scope="session")
def api(vendor_service: LiveService, service_token: str) -> Iterator[Client]:
    with Client(vendor_service.base_url, service_token) as client:
        yield client


@pytest.fixture
def customer(api: Client) -> str:
    """A registered end user's ``external_id``."""
    external_id = f"customer-{secrets.token_hex(6)}"
    api.put_end_user(external_id, end_user_id=f"enduser_{external_id}", name="Ada")
    return external_id


@pytest.fixture(scope="session")
def mindcloud(vendor_service: LiveService) -> Iterator[MindCloudApi]:
    """MindCloud's own API, which the platform is set up with."""
    with mindcloud_api() as mindcloud:
        (vendor_service.folder / "mindcloud-api-key").write_text(API_KEY)
        setup = {"platforms": {"mindcloud": {"api_url": mindcloud.url, "api_key": "file:mindcloud-api-key"}}}
        file = vendor_service.folder / "mindcloud.yaml"
        file.write_text(json.dumps(setup))
        done = vendor_service.manage("apply", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        yield mindcloud


@pytest.fixture
def faulty():
    """Calls ``use(client)`` on a server that gives these answers, then the good one. Returns what came of it, and
    what the server received."""

    def call(answers, use=lambda api: api.put_end_user("c", name="Ada"), **options):
        left = list(answers)
        with (
            http_server(lambda _: left.pop(0) if left else GOOD) as server,
            Client(server.url, TOKEN, **options) as api,
        ):
            try:
                return use(api), server.received
            except CredserviceError as error:
                return error, server.received

    return call
