"""Holds what a line says, which stands or falls with the act."""

import pytest
from django.db import DatabaseError, transaction

from credservice.audit import Line, record
from credservice.core.hot_statements import HotStatement
from credservice.http.context import RequestContext, _context


@pytest.fixture
def request_in_hand():
    token = _context.set(RequestContext("request-0001", "203.0.113.7"))
    yield
    _context.reset(token)


def test_a_line_says_who_did_what_to_which_object(trail):
    record(
        Line(
            action="test.act",
            actor="user:ann",
            outcome="granted",
            reason="why",
            object_type="thing",
            object_id=12,
            subject="end_user:1",
            detail={"count": 3},
        )
    )
    event = trail.one()
    assert (event.action, event.actor, event.outcome, event.reason) == ("test.act", "user:ann", "granted", "why")
    assert (event.object_type, event.object_id, event.subject) == ("thing", "12", "end_user:1")
    assert event.detail == {"count": 3}
    assert event.at is not None


@pytest.mark.usefixtures("request_in_hand")
def test_a_line_has_the_requests_id_and_source(trail):
    record(Line(action="test.act", actor="user:ann"))
    assert (trail.one().request_id, trail.one().source) == ("request-0001", "203.0.113.7")


def test_outside_of_a_request_there_is_neither(trail):
    record(Line(action="test.act", actor="command:test"))
    assert (trail.one().request_id, trail.one().source) == ("", None)


@pytest.mark.django_db(transaction=True)
def test_a_line_is_rolled_back_with_its_act(trail):
    with transaction.atomic():
        record(Line(action="test.act", actor="command:test"))
        transaction.set_rollback(True)
    assert trail.all() == []


@pytest.mark.django_db(transaction=True)
def test_an_act_is_rolled_back_with_its_line(trail, monkeypatch):
    from credservice.keys.models import SigningSecretSet
    from credservice.keys.services import generate_secret

    secret_set = SigningSecretSet.objects.create(label="test")
    monkeypatch.setattr("credservice.audit.log._INSERT", HotStatement("no_table", "INSERT INTO no_table VALUES ($1)"))
    with pytest.raises(DatabaseError, match="no_table"):
        generate_secret(secret_set=secret_set, actor="command:test")
    assert secret_set.secrets.count() == 0


def test_one_statement_writes_a_line(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        record(Line(action="test.act", actor="command:test", detail={"a": [1, {"b": "c"}]}))


@pytest.mark.parametrize("odd", ["nul\x00here", "lone\ud800here", "x" * 300])
def test_odd_text_is_recorded_and_no_error(trail, odd):
    record(Line(action="test.act", actor=odd, object_id=odd, subject=odd, detail={odd: [odd, {"in": odd}]}))
    event = trail.one()
    assert event.actor == event.object_id == event.subject
    assert "\x00" not in event.actor
    assert len(event.actor) <= 255
