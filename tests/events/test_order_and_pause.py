"""The order of deliveries, and the pause of an endpoint that keeps failing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.events import delivery as delivering
from credservice.events.bulk_emit import Telling, emit_many
from credservice.events.delivery import deliver_due
from credservice.events.emit import emit
from credservice.events.models import EventDelivery, EventEndpoint
from credservice.events.services import replay, replay_failed, send_test
from tests.support.http_server import Answer

State = EventDelivery.State


def told(count: int, type_: str = "credential.revoked") -> None:
    for number in range(count):
        emit(type_, object_type="credential", object_id=number)


def imported(count: int) -> None:
    about = [Telling(str(number), "", {}) for number in range(count)]
    emit_many("credential.issued", object_type="credential", about=about)


def test_what_is_asked_for_goes_first_and_an_import_last(endpoint, receiver):
    imported(2)
    told(1)
    send_test(endpoint=endpoint, actor="test")
    deliver_due(endpoint.pk)
    assert receiver.types() == ["ping", "credential.revoked", "credential.issued", "credential.issued"]


def test_a_replay_goes_before_what_waits(endpoint, receiver):
    told(1)
    deliver_due(endpoint.pk)
    delivered = EventDelivery.objects.get()
    told(1, "credential.rotated")
    replay(delivery=delivered, actor="test")
    deliver_due(endpoint.pk)
    assert receiver.types() == ["credential.revoked", "credential.revoked", "credential.rotated"]


def test_an_endpoint_that_fails_in_a_row_is_paused_as_a_whole(endpoint, receiver):
    receiver.answer = Answer(500)
    told(delivering.IN_A_ROW + 3)
    deliver_due(endpoint.pk)
    assert len(receiver.received) == delivering.IN_A_ROW
    assert EventDelivery.objects.filter(attempts=0, state=State.PENDING).count() == 3
    assert EventEndpoint.objects.get().paused_until > timezone.now()


def test_after_the_pause_one_delivery_tries_it(endpoint, receiver, deliver):
    receiver.answer = Answer(500)
    told(delivering.IN_A_ROW + 3)
    deliver()
    first = EventEndpoint.objects.get().paused_until
    deliver()
    assert len(receiver.received) == delivering.IN_A_ROW + 1
    assert EventEndpoint.objects.get().paused_until > first


def test_an_answer_ends_the_pause_and_everything_follows(endpoint, receiver, deliver):
    receiver.answers = [Answer(500)] * delivering.IN_A_ROW
    told(delivering.IN_A_ROW + 3)
    deliver()
    deliver()
    assert set(EventDelivery.objects.values_list("state", flat=True)) == {"delivered"}
    found = EventEndpoint.objects.get()
    assert (found.failures, found.paused_until, found.failing_since) == (0, None, None)


def test_the_pause_doubles_to_ten_minutes_or_lasts_as_asked():
    pauses = [delivering.endpoint_pause(failures).total_seconds() for failures in range(5, 14)]
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    assert delivering.endpoint_pause(5, 900) == timedelta(minutes=15)


@pytest.mark.parametrize("ask", ["ping", "replay"])
def test_whoever_asks_for_an_event_ends_the_pause(endpoint, receiver, ask):
    receiver.answers = [Answer(500)] * delivering.IN_A_ROW
    told(delivering.IN_A_ROW)
    deliver_due(endpoint.pk)
    if ask == "ping":
        send_test(endpoint=endpoint, actor="test")
    else:
        replay(delivery=EventDelivery.objects.first(), actor="test")
    deliver_due(endpoint.pk)
    assert len(receiver.received) == delivering.IN_A_ROW + 1


def test_a_replay_since_a_time_takes_what_waits_as_well(endpoint, receiver):
    receiver.answers = [Answer(500)] * delivering.IN_A_ROW
    told(delivering.IN_A_ROW + 2)
    EventDelivery.objects.filter(event__object_id="0").update(state=State.FAILED, next_attempt_at=None)
    deliver_due(endpoint.pk)
    since = timezone.now() - timedelta(hours=1)
    assert replay_failed(endpoint=endpoint, since=since, actor="test") == delivering.IN_A_ROW + 2
    deliver_due(endpoint.pk)
    assert EventDelivery.objects.filter(state=State.DELIVERED).count() == delivering.IN_A_ROW + 2


def test_what_waited_three_days_behind_a_paused_endpoint_has_failed(endpoint, receiver):
    receiver.answer = Answer(500)
    told(delivering.IN_A_ROW + 3)
    EventDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(days=4))
    deliver_due(endpoint.pk)
    assert EventDelivery.objects.filter(state=State.FAILED, attempts=0).count() == 3


def test_one_that_waited_because_no_worker_ran_is_sent(endpoint, receiver):
    told(3)
    EventDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(days=4))
    deliver_due(endpoint.pk)
    assert len(receiver.received) == 3


def test_behind_a_suspended_endpoint_everything_has_failed(endpoint, receiver):
    told(3)
    EventEndpoint.objects.update(is_active=False)
    deliver_due(endpoint.pk)
    assert set(EventDelivery.objects.values_list("state", flat=True)) == {State.FAILED}
    assert not receiver.received


def test_a_resume_while_its_events_are_looked_for_keeps_them(endpoint, receiver, monkeypatch):
    told(1)
    EventEndpoint.objects.update(is_active=False)
    claim = delivering._claim

    def claimed_before_a_resume(pk):
        found = claim(pk)
        if EventEndpoint.objects.filter(is_active=False).update(is_active=True):
            told(1)
        return found

    monkeypatch.setattr(delivering, "_claim", claimed_before_a_resume)
    deliver_due(endpoint.pk)
    assert set(EventDelivery.objects.values_list("state", flat=True)) == {State.DELIVERED}
