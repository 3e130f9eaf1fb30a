"""Refusals: recorded at best effort, sampled under attack, bounded in memory."""

from types import SimpleNamespace

import pytest
from django.db import OperationalError, transaction

from credservice.audit import Line, record_refusal, refusals
from credservice.audit.refusals import MAX_ACTORS, RECORDED_PER_WINDOW, WINDOW_SECONDS, Sampler


@pytest.fixture(autouse=True)
def sampler(monkeypatch):
    sampler = Sampler()
    monkeypatch.setattr(refusals, "_sampler", sampler)
    return sampler


def refuse(**more):
    record_refusal(Line(action="test.refused", actor="platform:p", reason="bad_signature", **more))


def test_a_refusal_is_recorded(trail):
    refuse(object_type="thing", object_id="1", detail={"count": 3})
    event = trail.one(action="test.refused")
    assert (event.outcome, event.reason, event.object_id, event.detail) == (
        "refused",
        "bad_signature",
        "1",
        {"count": 3},
    )


def test_a_refusal_is_recorded_with_odd_input(trail):
    record_refusal(Line(action="test.refused", actor="platform:\x00\ud800", reason="bad"))
    assert trail.one(action="test.refused").actor == "platform:\ufffd?"


def test_a_flood_is_sampled(trail):
    for _ in range(RECORDED_PER_WINDOW + 10):
        refuse()
    assert len(trail.all(action="test.refused")) == RECORDED_PER_WINDOW


def test_the_next_window_tells_what_was_left_out(trail, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(refusals, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    for _ in range(RECORDED_PER_WINDOW + 10):
        refuse()
    clock[0] += WINDOW_SECONDS
    refuse()
    assert trail.all(action="test.refused")[-1].detail == {"unrecorded_before": 10}


def test_another_actor_is_not_silenced_by_a_flood(trail):
    for _ in range(RECORDED_PER_WINDOW + 10):
        refuse()
    record_refusal(Line(action="test.refused", actor="platform:q", reason="bad_signature"))
    assert len(trail.all(actor="platform:q")) == 1


def test_invented_actors_fill_neither_memory_nor_trail(sampler):
    admitted = [sampler.admit("test.refused", f"platform:{n}", 5.0)[0] for n in range(MAX_ACTORS * 4)]
    assert sum(admitted) == MAX_ACTORS + RECORDED_PER_WINDOW
    assert len(sampler._windows) == MAX_ACTORS + 1


def test_ended_windows_make_room(sampler):
    for number in range(MAX_ACTORS):
        sampler.admit("test.refused", f"platform:{number}", 5.0)
    assert sampler.admit("test.refused", "platform:new", 5.0 + WINDOW_SECONDS) == (True, 0)
    assert len(sampler._windows) == 1


@pytest.mark.django_db
def test_a_trail_that_cannot_be_written_is_no_error(monkeypatch, caplog):
    def fail(_):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(refusals, "record", fail)
    refuse()
    assert "refusal_not_recorded" in caplog.text


def test_a_broken_transaction_is_no_error(transactional_db, caplog):
    with transaction.atomic():
        transaction.set_rollback(True)
        refuse()
    assert "refusal_not_recorded" in caplog.text
