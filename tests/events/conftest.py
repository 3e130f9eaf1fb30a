"""An endpoint on a real server, and its deliveries made by hand or by a worker."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from credservice.credentials.models import CredentialPolicy
from credservice.events.delivery import deliver_due
from credservice.events.emit import forget_wanted
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import new_secret_set
from credservice.keys.services import generate_secret
from tests.lifecycle.conftest import active, outside, pending, policy  # noqa: F401 - an outside world
from tests.support.http_server import Answer, Received, Server, http_server


@dataclass
class Receiver:
    """A vendor's endpoint: ``answers`` are given first, then ``answer``."""

    server: Server
    answer: Answer = field(default_factory=lambda: Answer(204, b""))
    answers: list[Answer] = field(default_factory=list)

    @property
    def received(self) -> list[Received]:
        return self.server.received

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.received]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget_wanted()
    yield
    forget_wanted()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    holder: list[Receiver] = []

    def answer(_: Received) -> Answer:
        return holder[0].answers.pop(0) if holder[0].answers else holder[0].answer

    with http_server(answer) as server:
        holder.append(Receiver(server))
        yield holder[0]


def make_endpoint(url: str, *types: str, name: str = "backend") -> tuple[EventEndpoint, str]:
    """An endpoint, and the text of its secret."""
    endpoint = EventEndpoint(name=name, url=url, types=list(types), secrets=new_secret_set(name))
    endpoint.full_clean()
    endpoint.save()
    return endpoint, generate_secret(secret_set=endpoint.secrets, actor="test")[1]


@pytest.fixture
def secret_of() -> dict[str, str]:
    return {}


@pytest.fixture
def endpoint(db: None, receiver: Receiver, secret_of: dict[str, str]) -> EventEndpoint:
    """Takes everything."""
    endpoint, secret_of["backend"] = make_endpoint(receiver.server.url)
    return endpoint


@pytest.fixture
def deliver(endpoint: EventEndpoint):
    """Make every delivery that waits due, end the endpoint's pause, and deliver."""

    def deliver() -> None:
        EventEndpoint.objects.update(paused_until=None)
        EventDelivery.objects.filter(state="pending").update(next_attempt_at=timezone.now() - timedelta(minutes=1))
        deliver_due(endpoint.pk)

    return deliver


@pytest.fixture
def keys(db: None) -> CredentialPolicy:
    return CredentialPolicy.objects.create(name="keys", issuer="api_key")


@pytest.fixture
def entered(db: None) -> CredentialPolicy:
    """Of keys that only the vendor's own product can end."""
    return CredentialPolicy.objects.create(name="entered", issuer="static", options={"names": ["apiKey"]})
