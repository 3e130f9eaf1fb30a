"""Credentials of an issuer with an outside: intent, one call however many ask, outcome, and the crashes between."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from credservice.core.exceptions import Conflict, Invalid, Unavailable
from credservice.credentials.models import Credential
from credservice.credentials.services import finish_at_commit, finish_end, finish_issue, reveal, revoke, set_suspended
from tests.credentials.remote import UNAVAILABLE, UNWILLING
from tests.support.concurrency import at_once

ACTOR = "user:ann"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pending(remote_policy, issue):
    return issue(remote_policy)


def fresh(credential):
    return Credential.objects.get(pk=credential.pk)


def in_thread(call):
    """A thread at work on ``call``, and the list that its result or exception will be in."""
    results = []

    def run():
        try:
            results.append(call())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_the_intent_is_pending_and_calls_nobody(pending, remote):
    assert (pending.state, pending.is_usable(), remote.calls) == ("pending", False, [])


def test_it_takes_no_values(remote_policy, issue):
    with pytest.raises(Invalid, match="takes no values"):
        issue(remote_policy, entered={"TOKEN": "mine"})


def test_finishing_makes_it_active(pending, trail):
    credential = finish_issue(pending, actor=ACTOR)
    assert (credential.state, credential.open()) == ("active", {"TOKEN": "token-0-of-the-remote"})
    assert fresh(pending).handle == {"number": 1}
    assert trail.one(action="credential.issued").actor == ACTOR


def test_finishing_twice_calls_the_issuer_once(pending, remote):
    for _ in range(2):
        finish_issue(fresh(pending), actor=ACTOR)
    assert remote.calls == [str(pending.pk)]


def test_twenty_callers_cause_one_issue(pending, remote, trail):
    results = at_once(lambda _: finish_issue(fresh(pending), actor=ACTOR).open(), 20)
    assert results == [{"TOKEN": "token-0-of-the-remote"}] * 20
    assert remote.calls == [str(pending.pk)]
    assert len(trail.all(action="credential.issued")) == 1


def test_the_issuer_is_called_outside_of_any_transaction(pending, remote, monkeypatch):
    seen = []
    real = type(remote).issue
    monkeypatch.setattr(
        type(remote), "issue", lambda self, request: (seen.append(connection.in_atomic_block), real(self, request))[1]
    )
    finish_issue(pending, actor=ACTOR)
    assert seen == [False]


def test_it_stays_pending_while_the_issuer_is_away(pending, remote):
    remote.answer = UNAVAILABLE
    with pytest.raises(Unavailable) as caught:
        finish_issue(pending, actor=ACTOR)
    assert caught.value.retry_after >= 1
    assert "connection refused" not in caught.value.message
    remote.answer = None
    assert finish_issue(fresh(pending), actor=ACTOR, insist=True).state == "active"


def test_what_cannot_be_made_fails_with_a_line(pending, remote, trail):
    remote.answer = UNWILLING
    credential = finish_issue(pending, actor=ACTOR)
    assert (credential.state, credential.failure, credential.is_usable()) == ("failed", "quota exhausted", False)
    event = trail.one(action="credential.issue")
    assert (event.outcome, event.detail["why"]) == ("failed", "quota exhausted")


def test_a_crash_after_the_call_is_finished_by_the_next_caller(pending, remote, monkeypatch):
    """The issuer has answered and the outcome is lost: the next call finds the same credential."""
    with monkeypatch.context() as broken:
        broken.setattr("credservice.credentials.transitions.seal_values", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            finish_issue(pending, actor=ACTOR)
    assert fresh(pending).state == "pending"
    assert finish_issue(fresh(pending), actor="worker").open() == {"TOKEN": "token-0-of-the-remote"}
    assert len(remote.made) == 1


def test_a_caller_whose_session_is_cut_lets_the_next_one_in(pending, remote):
    remote.may_answer.clear()
    doomed, results = in_thread(lambda: finish_issue(fresh(pending), actor="doomed"))
    assert remote.at_work.wait(20)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    remote.may_answer.set()
    assert finish_issue(fresh(pending), actor=ACTOR).state == "active"
    doomed.join(20)
    assert isinstance(results[0], OperationalError)


def test_revoked_while_the_issuer_is_at_work_stays_revoked(pending, remote):
    remote.may_answer.clear()
    issuing, results = in_thread(lambda: finish_issue(fresh(pending), actor=ACTOR))
    assert remote.at_work.wait(20)
    revoke(credential=pending, actor=ACTOR, reason="customer left")
    remote.may_answer.set()
    issuing.join(20)
    assert not results[0].is_usable()
    assert finish_end(fresh(pending), actor=ACTOR).state == "revoked"
    assert remote.revoked == [(str(pending.pk), {"number": 1})]
    assert remote.made == {}


def test_suspended_while_the_issuer_is_at_work_stays_suspended(pending, remote):
    remote.may_answer.clear()
    issuing, _ = in_thread(lambda: finish_issue(fresh(pending), actor=ACTOR))
    assert remote.at_work.wait(20)
    set_suspended(subject=pending.subject, suspended=True)
    remote.may_answer.set()
    issuing.join(20)
    assert fresh(pending).suspended


def test_a_pending_credential_has_nothing_to_reveal(pending, trail):
    with pytest.raises(Conflict, match="has no values"):
        reveal(credential=pending, actor=ACTOR, reason="curious")
    assert trail.all(action="credential.revealed") == []


def test_an_intent_is_rolled_back_with_its_transaction(remote_policy, issue):
    with transaction.atomic():
        issue(remote_policy)
        transaction.set_rollback(True)
    assert not Credential.objects.exists()


def test_an_issuer_that_is_down_is_told_in_one_line_of_the_log(remote, pending, caplog):
    remote.answer = UNAVAILABLE
    with transaction.atomic():
        finish_at_commit(pending, actor=ACTOR)
        assert remote.calls == []
    (line,) = caplog.records
    assert "issuer_unavailable" in line.getMessage()
    assert (line.levelname, line.exc_info) == ("WARNING", None)
    assert remote.calls == [str(pending.pk)]
