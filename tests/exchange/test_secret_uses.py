"""Notes when each of a platform's signing secrets last verified a call."""

import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from credservice.adminkit.sentences import sentence
from credservice.audit.models import AuditEvent
from credservice.console.audit.exposure import sighting_rows
from credservice.core.last_used import FLUSH_SECONDS
from credservice.credentials.exposure import line_of, sightings
from credservice.crypto import authenticate
from credservice.keys.models import SigningSecret
from credservice.keys.rotation_progress import last_uses
from exchange.signatures.simulated import MARK_HEADER, mark_of
from exchange.signatures.verify import SIGNATURE_HEADER


def last_use():
    last_uses.flush()
    return SigningSecret.objects.get().last_used_at


def test_a_call_that_holds_is_noted(door, granted):
    assert last_use() is None
    door.post()
    assert last_use() is not None


@pytest.mark.django_db(transaction=True)
def test_the_first_one_is_written_at_once_and_also_beside_others(door, granted):
    """The console asks for a tick before a setting that calls hold with is changed: also seconds after the first."""
    other = uuid4()  # of another platform, which has signed all the while: what it is noted for waits
    for _ in range(2):
        last_uses.flush()
        last_uses.note(other)
    door.post()
    until = time.monotonic() + FLUSH_SECONDS / 2
    while SigningSecret.objects.get().last_used_at is None and time.monotonic() < until:
        time.sleep(0.1)
    assert SigningSecret.objects.get().last_used_at is not None


@pytest.mark.django_db(transaction=True)
def test_so_is_the_first_one_after_a_pause(door, granted):
    door.post()
    last_uses.flush()
    last_uses._noted[door.secret.pk] -= timedelta(seconds=FLUSH_SECONDS)
    SigningSecret.objects.update(last_used_at=None)
    door.post()
    until = time.monotonic() + FLUSH_SECONDS / 2
    while SigningSecret.objects.get().last_used_at is None and time.monotonic() < until:
        time.sleep(0.1)
    assert SigningSecret.objects.get().last_used_at is not None


def test_the_last_one_is_written_however_soon_after_the_one_before(door, granted):
    """From silence pages conclude that no call has held since a change: the only one after it must not be missing."""
    door.post()
    before = last_use()
    door.post()
    assert last_use() > before


def test_a_call_that_is_refused_is_not(door, granted):
    door.post(headers={"X-Signature": "0" * 64})
    assert last_use() is None


def test_a_call_of_our_own_simulator_is_not(door, granted):
    headers = door.signed()
    assert door.post(headers=headers | {MARK_HEADER: mark_of(headers[SIGNATURE_HEADER])}).status_code == 200
    assert last_use() is None


def test_a_simulated_call_says_so_in_the_trail_and_among_who_saw_it(door, granted):
    headers = door.signed()
    door.post(headers=headers | {MARK_HEADER: mark_of(headers[SIGNATURE_HEADER])})
    door.post()
    newest = AuditEvent.objects.filter(action="exchange.credential").order_by("-pk")[:2]
    real, simulated = [str(sentence(event)) for event in newest]
    assert simulated.endswith("by a call that this service simulated")
    assert "simulated" not in real
    seen = sightings(line_of(UUID(newest[0].object_id)))
    assert {(one.simulated, one.times) for one in seen if one.action == "exchange.credential"} == {
        (True, 1),
        (False, 1),
    }
    ways = {way for _, way, *_ in sighting_rows(seen, {})}
    assert {"handed out by the exchange", "handed out by the exchange, to a simulated call"} <= ways


def test_nobody_hides_a_call_by_a_mark_of_their_own(door, granted):
    other = door.signed(timestamp="1")[SIGNATURE_HEADER]
    for_something_else = urlsafe_b64encode(authenticate(other.encode(), "value")).decode()
    for mark in ("", "x", "AAAA", mark_of(other), for_something_else, "AAAAAAAA" * 6):
        SigningSecret.objects.update(last_used_at=None)
        assert door.post(headers=door.signed() | {MARK_HEADER: mark}).status_code == 200
        assert last_use() is not None, mark
    assert not AuditEvent.objects.filter(detail__has_key="simulated").exists()
