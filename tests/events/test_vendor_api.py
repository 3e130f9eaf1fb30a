"""The vendor's own systems: how deliveries went, and sending them again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.events.emit import emit
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token


@pytest.fixture
def call(client, db):
    token = create_token(name="product", scopes=list(Scope.values), actor="test")[1]

    def call(method: str, path: str, body: object = None):
        extra = {} if method == "get" else {"data": "" if body is None else body, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", HTTP_AUTHORIZATION=f"Bearer {token}", **extra)

    return call


@pytest.fixture
def failed(endpoint) -> EventDelivery:
    emit("credential.issued", object_type="credential", object_id="1")
    EventDelivery.objects.update(state="failed", next_attempt_at=None)
    return EventDelivery.objects.get()


def test_endpoints_are_listed_without_secrets(call, endpoint, secret_of):
    answer = call("get", "event-endpoints")
    assert [item["name"] for item in answer.json()["items"]] == ["backend"]
    assert secret_of["backend"] not in answer.content.decode()


def test_deliveries_are_listed_by_state_and_endpoint(call, failed):
    assert [item["id"] for item in call("get", "event-deliveries?state=failed").json()["items"]] == [str(failed.pk)]
    assert call("get", "event-deliveries?state=pending&endpoint=backend").json()["items"] == []


def test_one_is_sent_again(call, failed, receiver, deliver):
    answer = call("post", f"event-deliveries/{failed.pk}/replay")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    deliver()
    assert receiver.received[0].headers["webhook-id"] == answer.json()["message_id"]


def test_all_that_failed_since_a_time_are_sent_again(call, failed):
    since = (timezone.now() - timedelta(hours=1)).isoformat()
    answer = call("post", "event-endpoints/backend/replay", {"since": since})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 1})


@pytest.mark.parametrize("body", [None, {}])
def test_a_test_event_is_sent(call, endpoint, receiver, deliver, body):
    answer = call("post", "event-endpoints/backend/ping", body)
    deliver()
    assert receiver.received[0].headers["webhook-id"] == answer.json()["message_id"]


def test_what_is_sent_along_for_nothing_is_refused(call, endpoint):
    assert call("post", "event-endpoints/backend/ping", {"example": True}).status_code == 400


def test_nothing_is_sent_to_a_suspended_endpoint(call, failed):
    EventEndpoint.objects.update(is_active=False)
    assert call("post", f"event-deliveries/{failed.pk}/replay").status_code == 409
    assert call("post", "event-endpoints/backend/ping").status_code == 409


@pytest.mark.parametrize(
    "path", ["event-deliveries/x/replay", f"event-deliveries/{'0' * 32}/replay", "event-endpoints/x/ping"]
)
def test_what_is_not_there_is_a_problem(call, endpoint, path):
    answer = call("post", path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
