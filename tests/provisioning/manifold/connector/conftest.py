"""A marketplace whose connector answers over real HTTP, a product whose work is slow, and the vendor's endpoint."""

import json

import pytest
from django.db import connection
from standardwebhooks import Webhook

from credservice.credentials.models import CredentialPolicy
from credservice.crypto import seal
from provisioning import tasks
from provisioning.checker.connector import Client, Connector
from provisioning.checker.messages import Request
from provisioning.manifold import tasks as manifold_tasks
from provisioning.manifold.connector import tokens
from provisioning.models import Callback, Operation
from tests.provisioning.conftest import new_id, order
from tests.provisioning.test_outside_issuers import OutsideIssuer
from tests.support.http_server import Answer, http_server

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS12ZW5kb3Itb2YtdGhlLXRlc3Rz"


class Interruptible(Connector):
    """The checker's own, which holds the marketplace's contract against us; ``around`` may interrupt a call."""

    def around(self, call, answered):
        return answered()

    def answer(self, call):
        return self.around(call, lambda: super(Interruptible, self).answer(call))


@pytest.fixture
def connector():
    tokens.forget()
    with Interruptible(0, Client()) as connector:
        yield connector


@pytest.fixture
def market(marketplace, connector):
    """The marketplace's row, leading to that connector."""
    marketplace.connector_url, marketplace.client_id = connector.url, Client().id
    marketplace.sealed_client_secret = seal(Client().secret.encode(), marketplace.client_secret_place)
    marketplace.save()
    return marketplace


class Endpoint:
    """The vendor's: ``answers`` are given first, then 200; ``told`` is what came."""

    def __init__(self):
        self.answers, self.told = [], []

    def __call__(self, received):
        return self.around(received, lambda: self.answered(received))

    def around(self, received, answered):
        return answered()

    def answered(self, received):
        Webhook(SECRET).verify(received.body, received.headers)
        self.told.append(json.loads(received.body))
        status, body = self.answers.pop(0) if self.answers else (200, {})
        return Answer(status, json.dumps(body).encode())


@pytest.fixture
def vendor_endpoint(settings, monkeypatch):
    endpoint = Endpoint()
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    with http_server(endpoint) as server:
        settings.PROVISIONERS = {"vendor": {"url": server.url, "secrets": ["env:VENDOR_SECRET"], "seconds": 2}}
        yield endpoint


@pytest.fixture
def issuer(settings, monkeypatch):
    """Credentials are made outside; ``trouble`` is what it answers with."""
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | {
        "outside": {"BACKEND": "tests.provisioning.test_outside_issuers.OutsideIssuer"}
    }
    for name, value in (("trouble", None), ("made", {}), ("asked", 0)):
        monkeypatch.setattr(OutsideIssuer, name, value)
    return OutsideIssuer


@pytest.fixture
def slow(market, bear, vendor_endpoint, issuer):
    """The product: the vendor provisions its resources, and its credentials take long."""
    CredentialPolicy.objects.update(issuer="outside", options={})
    bear.provisioner, bear.slow_credentials = "vendor", True
    bear.save()
    return bear


class Asking:
    """Requests with callbacks, and what has become of them."""

    def __init__(self, door, connector):
        self.door, self.connector = door, connector
        self.callbacks = {}

    def send(self, method, target, body=b"", callback_id=None, url=None):
        callback_id = callback_id or new_id()
        url = url or f"{self.connector.url}/callbacks/{callback_id}"
        headers = {"x-callback-id": callback_id, "x-callback-url": url}
        self.callbacks[callback_id] = self.connector.expect(
            Request(method, target, tuple((name.title(), value) for name, value in headers.items()))
        )
        answer = self.door.send(method, target, body, signed=headers)
        if self.callbacks[callback_id]:
            self.callbacks[callback_id].promised.set()
        answer.callback = self.callbacks[callback_id]
        return answer

    def put_resource(self, resource_id, **changes):
        return self.send("PUT", f"/v1/resources/{resource_id}", order(resource_id, **changes))

    def put_credential(self, credential_id, resource_id):
        body = {"id": credential_id, "resource_id": resource_id}
        return self.send("PUT", f"/v1/credentials/{credential_id}", body)

    def patch(self, resource_id, plan):
        return self.send("PATCH", f"/v1/resources/{resource_id}", {"plan": plan})

    def delete(self, kind, partner_id):
        return self.send("DELETE", f"/v1/{kind}/{partner_id}")


@pytest.fixture
def ask(door, slow, connector):
    return Asking(door, connector)


@pytest.fixture
def ready_id(ask):
    """A resource that the vendor has provisioned."""
    resource_id = new_id()
    assert ask.put_resource(resource_id).status_code == 202
    work()
    return resource_id


def operate_all():
    """Do every live operation, as a worker would now."""
    for pk in Operation.objects.filter(state__in=Operation.LIVE).values_list("pk", flat=True):
        tasks.operate(str(pk))


def work():
    """Do every live operation, then every callback that has something to tell."""
    operate_all()
    Callback.objects.update(next_attempt_at=None)  # as if the pause were over
    for pk in Callback.objects.filter(sealed_body__isnull=False).values_list("pk", flat=True):
        manifold_tasks.deliver(str(pk))


def jobs():
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text FROM procrastinate_jobs WHERE status = 'todo'")
        return cursor.fetchall()
