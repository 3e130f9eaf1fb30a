"""A marketplace's user at the served service: their browser's links, by way of a connector of the tests' own."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlencode

import httpx2

from provisioning.checker.connector import Client, Connector
from tests.e2e.partners import TIMEOUT, Manifold, new_id
from tests.support.live import LiveService

DEMO_CONNECTOR = "http://localhost:3001/v1"
SETUP = """
marketplaces:
  manifold:
    connector_url: {url}
    client_secret: file:demo/manifold-client-secret
    products:
      bear: {{dashboard_url: "{dashboard}"}}
"""


@contextmanager
def connecting_to(service: LiveService, url: str, *, dashboard: str = "") -> Iterator[None]:
    """Have the service's marketplace use this connector for a while, and its bears this dashboard."""
    _apply(service, url, dashboard)
    try:
        yield
    finally:
        _apply(service, DEMO_CONNECTOR, "")


def _apply(service: LiveService, url: str, dashboard: str) -> None:
    with NamedTemporaryFile("w", suffix=".yaml", dir=service.folder) as file:
        file.write(SETUP.format(url=url, dashboard=dashboard))
        file.flush()
        done = service.manage("apply", file.name)
    assert done.returncode == 0, done.stdout + done.stderr


class Market:
    """The marketplace of a served service: orders, and users who click."""

    def __init__(self, service: LiveService, connector: Connector, http: httpx2.Client) -> None:
        self.service, self.connector = service, connector
        self.manifold = Manifold(service, http)

    def order(self, plan: str = "ursa-minor", **features: Any) -> str:
        """The id of a new bear."""
        resource_id = new_id()
        order = {"id": resource_id, "product": "bear", "plan": plan, "region": "all::global", "features": features}
        assert self.manifold.send("PUT", f"/v1/resources/{resource_id}", order).status_code == 201
        self.connector.market.resources[resource_id] = {"id": resource_id}
        return resource_id

    def credential(self, resource_id: str) -> str:
        """The value of a new credential."""
        answer = self.manifold.put_credential(new_id(), resource_id)
        assert answer.status_code == 201
        value: str = answer.json()["credentials"]["BEAR_API_KEY"]
        return value

    def link(self, resource_id: str) -> str:
        """Find what a click in the marketplace's dashboard opens."""
        query = {"code": self.connector.tokens.code(resource_id), "resource_id": resource_id}
        return f"{self.service.base_url}/v1/sso?{urlencode(query)}"


@contextmanager
def market_of(service: LiveService, *, dashboard: str = "") -> Iterator[Market]:
    """The demonstration's marketplace, with a connector on a port of its own."""
    with (
        Connector(0, Client()) as connector,
        connecting_to(service, connector.url, dashboard=dashboard),
        httpx2.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http,
    ):
        yield Market(service, connector, http)
