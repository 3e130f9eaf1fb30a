"""A marketplace whose connector is the checker's, over real HTTP, and a user who comes from there."""

import pytest

from credservice.crypto import seal
from provisioning.checker.connector import Client, Connector
from provisioning.sso import sessions


@pytest.fixture
def connector(marketplace):
    """The marketplace's connector, which knows our client."""
    with Connector(0, Client()) as running:
        marketplace.connector_url = running.url
        marketplace.client_id = running.tokens.client.id
        marketplace.sealed_client_secret = seal(running.tokens.client.secret.encode(), marketplace.client_secret_place)
        marketplace.save()
        yield running


class User:
    """A user of the marketplace, in a browser of their own."""

    def __init__(self, client, connector):
        self.client, self.connector = client, connector

    def link(self, resource_id, **changes):
        """Find what their click in the marketplace's dashboard opens."""
        self.connector.market.resources[resource_id] = {"id": resource_id}
        return {"code": self.connector.tokens.code(resource_id), "resource_id": resource_id} | changes

    def follow(self, query, path="/v1/sso"):
        return self.client.get(path, query)

    def sign_on(self, resource_id):
        self.resource_id = resource_id
        response = self.follow(self.link(resource_id))
        assert response.status_code == 303, response.content
        return response

    def open(self, resource_id):
        return self.client.get(f"/resources/{resource_id}")

    @property
    def cookie(self):
        return self.client.cookies[sessions.cookie_name(self.resource_id)]

    def form(self):
        """The token that each form of the page carries."""
        return sessions.hmac_sha256(self.cookie.value.encode(), b"resource page's form").hex()

    def post(self, path, **fields):
        accept = {"HTTP_ACCEPT": fields.pop("accept", "application/json")}
        return self.client.post(path, {"form": self.form()} | fields, **accept)

    def reveal(self, resource_id, credential, **fields):
        return self.post(f"/resources/{resource_id}/credentials/{credential.pk}", **fields)


@pytest.fixture
def user(client, connector):
    return User(client, connector)


@pytest.fixture
def signed_on(user, resource_id):
    """A user who has come to the resource's page."""
    user.sign_on(resource_id)
    return user
