"""Deliveries over real HTTP: signed, repeated with pauses, ended by 410, never led to where they must not go."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from credservice.core.exceptions import Conflict
from credservice.events import delivery as delivering
from credservice.events.emit import emit
from credservice.events.models import DeliveryAttempt, Event, EventDelivery, EventEndpoint
from credservice.events.services import replay, replay_failed, send_test
from credservice.events.tasks import prune
from credservice.keys.services import generate_secret, retire_secret
from tests.support.http_server import Answer, unused_port


def tell(**data) -> None:
    emit("credential.issued", object_type="credential", object_id="1", subject="end_user:1", **data)


def test_what_is_sent_verifies_by_standard_webhooks(endpoint, receiver, deliver, secret_of):
    tell(state="active")
    deliver()
    (request,) = receiver.received
    assert Webhook(secret_of["backend"]).verify(request.body, request.headers)["type"] == "credential.issued"
    assert secret_of["backend"].startswith("whsec_")
    assert EventDelivery.objects.get().state == "delivered"


def test_the_payload_is_type_timestamp_and_data(endpoint, receiver, deliver):
    tell(state="active")
    deliver()
    (event,) = receiver.events()
    assert set(event) == {"type", "timestamp", "data"}
    assert event["data"]["id"] == "1"
    assert event["data"]["subject"] == "end_user:1"


def test_a_repeat_has_the_same_id_and_bytes_and_a_new_timestamp(endpoint, receiver, deliver):
    receiver.answers = [Answer(500, b"broken")]
    tell()
    deliver()
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        deliver()
    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert first.headers["webhook-timestamp"] < second.headers["webhook-timestamp"]


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500])
def test_anything_but_a_success_is_tried_again_and_logged(endpoint, receiver, deliver, status):
    receiver.answers = [Answer(status, b"not now \x00")]
    tell()
    deliver()
    waiting, line = EventDelivery.objects.get(), DeliveryAttempt.objects.get()
    assert (waiting.state, waiting.attempts, waiting.last_status) == ("pending", 1, status)
    assert (line.status, line.answer) == (status, "not now \ufffd")
    deliver()
    assert EventDelivery.objects.get().state == "delivered"


def test_the_pauses_grow_over_three_days(endpoint):
    pauses = [delivering.delivery_pause(attempts) for attempts in range(1, 10)]
    assert all(0.8 <= pause / plain <= 1.2 for pause, plain in zip(pauses, delivering.PAUSES, strict=True))
    assert sorted(delivering.PAUSES) == list(delivering.PAUSES)
    assert 3 <= sum(delivering.PAUSES, timedelta(0)) / timedelta(days=1) <= 3.5
    assert {delivering.delivery_pause(4) for _ in range(5)} != {timedelta(hours=2)}


def test_a_longer_pause_that_the_endpoint_asks_for_is_kept(endpoint, receiver, deliver):
    receiver.answers = [Answer(503, b"", {"Retry-After": "600"})]
    tell()
    deliver()
    assert EventDelivery.objects.get().next_attempt_at > timezone.now() + timedelta(seconds=590)


def test_after_ten_attempts_it_has_failed_and_can_be_sent_again(endpoint, receiver, deliver, trail):
    receiver.answers = [Answer(500)] * 10
    tell()
    for _ in range(10):
        deliver()
    failed = EventDelivery.objects.get()
    assert (failed.state, failed.next_attempt_at) == ("failed", None)
    replay(delivery=failed, actor="user:ann")
    deliver()
    assert EventDelivery.objects.get().state == "delivered"
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert trail.one(action="event_delivery.replayed").actor == "user:ann"


def test_all_that_failed_since_a_time_is_sent_again(endpoint, receiver, deliver):
    for number in range(3):
        emit("credential.issued", object_type="credential", object_id=number)
    EventDelivery.objects.update(state="failed", next_attempt_at=None)
    old = EventDelivery.objects.first()
    EventDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    since = timezone.now() - timedelta(days=1)
    assert replay_failed(endpoint=endpoint, since=since, actor="user:ann") == 2
    deliver()
    assert len(receiver.received) == 2


def test_gone_suspends_the_endpoint(endpoint, receiver, deliver, trail):
    receiver.answer = Answer(410)
    tell()
    deliver()
    endpoint.refresh_from_db()
    assert (endpoint.is_active, EventDelivery.objects.get().state) == (False, "failed")
    assert trail.one(action="event_endpoint.suspended").actor == "worker"
    with pytest.raises(Conflict, match="suspended"):
        send_test(endpoint=endpoint, actor="test")


def test_what_happens_while_an_endpoint_is_gone_can_be_sent_afterwards(endpoint, receiver, deliver):
    """A 410 may be a slip, such as a route that is missing during a deployment."""
    receiver.answers = [Answer(410)]
    tell()
    deliver()
    tell()
    deliver()
    assert [row.state for row in EventDelivery.objects.all()] == ["failed", "failed"]
    assert len(receiver.received) == 1
    EventEndpoint.objects.update(is_active=True, ended_by="")
    endpoint.refresh_from_db()
    assert replay_failed(endpoint=endpoint, since=timezone.now() - timedelta(hours=1), actor="test") == 2
    deliver()
    assert {row.state for row in EventDelivery.objects.all()} == {"delivered"}
    assert len(receiver.received) == 3


def test_an_endpoint_that_fails_says_since_when_until_it_answers(endpoint, receiver, deliver):
    receiver.answers = [Answer(500)]
    tell()
    deliver()
    assert EventEndpoint.objects.get().failing_since is not None
    deliver()
    assert EventEndpoint.objects.get().failing_since is None


def test_both_secrets_sign_during_a_rotation(endpoint, receiver, deliver, secret_of):
    old = endpoint.secrets.secrets.get()
    _, new = generate_secret(secret_set=endpoint.secrets, actor="test")
    tell()
    deliver()
    for text in (secret_of["backend"], new):
        assert Webhook(text).verify(receiver.received[0].body, receiver.received[0].headers)
    retire_secret(secret=old, actor="test")
    tell()
    deliver()
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of["backend"]).verify(receiver.received[1].body, receiver.received[1].headers)


def test_a_private_address_is_refused(endpoint, receiver, deliver, settings):
    settings.OUTGOING_ALLOWED_NETWORKS = []
    tell()
    deliver()
    assert receiver.received == []
    assert "not public" in DeliveryAttempt.objects.get().problem


def test_nobody_there_is_tried_again_later(endpoint, deliver):
    EventEndpoint.objects.update(url=f"http://127.0.0.1:{unused_port()}/")
    tell()
    deliver()
    assert DeliveryAttempt.objects.get().problem == "No answer: the connection was refused"
    assert EventDelivery.objects.get().attempts == 1


def test_a_redirect_is_not_followed(endpoint, receiver, deliver):
    receiver.answers = [Answer(307, b"", {"Location": receiver.server.url + "/elsewhere"})]
    tell()
    deliver()
    assert [request.path for request in receiver.received] == ["/"]


def test_a_ping_goes_to_its_endpoint_alone_whatever_it_takes(endpoint, receiver, deliver):
    EventEndpoint.objects.update(types=["resource.changed"])
    message = send_test(endpoint=endpoint, actor="test")
    deliver()
    assert (receiver.types(), receiver.received[0].headers["webhook-id"]) == (["ping"], message)


def test_the_log_of_a_delivery_is_bounded(endpoint, receiver, deliver, monkeypatch):
    monkeypatch.setattr(delivering, "LOG_LINES", 3)
    receiver.answer = Answer(500)
    tell()
    for _ in range(6):
        deliver()
    assert DeliveryAttempt.objects.count() == 3


def test_old_events_are_dropped_but_for_those_on_their_way(endpoint, receiver, deliver, settings):
    tell()
    deliver()
    tell()
    Event.objects.update(created_at=timezone.now() - timedelta(days=settings.EVENT_LOG_DAYS + 1))
    prune(0)
    assert list(EventDelivery.objects.values_list("state", flat=True)) == ["pending"]
    assert json.loads(Event.objects.get().body)["type"] == "credential.issued"


@pytest.mark.parametrize(
    "answer",
    [Answer(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), Answer(200, b"x" * 300_000)],
    ids=["gzip", "large"],
)
def test_the_status_alone_says_that_it_was_delivered(endpoint, receiver, deliver, answer):
    receiver.answers = [answer]
    tell()
    deliver()
    assert EventDelivery.objects.get().state == EventDelivery.State.DELIVERED
