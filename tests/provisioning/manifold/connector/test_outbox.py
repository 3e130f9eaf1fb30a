"""Callbacks on their way, against a connector that is slow, down, wrong, or of another opinion."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credservice.core.exceptions import Conflict, Invalid
from provisioning import tasks
from provisioning.checker.connector.answers import BROKEN_OFF, Answer
from provisioning.manifold.connector.outbox import REFUSALS, close, resend
from provisioning.manifold.tasks import deliver
from provisioning.models import Callback, Operation
from tests.provisioning.conftest import new_id
from tests.provisioning.manifold.connector.conftest import jobs, work


@pytest.fixture
def told(ask, connector):
    """A callback of which the connector answers the first attempts as it is told; and the row that stands for it."""

    def told(*faults):
        with connector.answering_first(*faults):
            answer = ask.put_resource(new_id())
        work()
        return answer.callback, lambda: Callback.objects.get(partner_id=answer.callback.id)

    return told


def calls(connector, path):
    return [call for call in connector.seen if call.path.startswith(path)]


@pytest.mark.parametrize("fault", [500, 503, 429, BROKEN_OFF])
def test_it_is_sent_again_equal_to_the_byte(told, connector, fault):
    callback, row = told(fault, fault)
    assert (row().state, row().attempts) == ("waiting", 1)
    assert row().next_attempt_at is None or row().next_attempt_at - timezone.now() < timedelta(seconds=5)
    for _ in range(2):
        work()
    assert (row().state, callback.attempts, callback.problem) == ("delivered", 3, None)
    sent = {(call.header("content-type"), call.body) for call in calls(connector, "/v1/callbacks")}
    assert len(sent) == 1
    assert sent.pop()[0] == "application/json"


def test_a_refused_token_is_replaced_at_once(told, connector):
    callback, row = told(401)
    assert (row().state, callback.attempts, len(connector.tokens.exchanges)) == ("delivered", 2, 2)


def test_a_token_that_is_refused_again_and_again_is_no_endless_loop(told, connector):
    _, row = told(401, 401, 401)
    assert (row().state, len(connector.tokens.exchanges)) == ("waiting", 2)


def test_one_token_serves_many_callbacks(told, connector):
    for _ in range(3):
        told()
    assert [(it.grant_type, it.status) for it in connector.tokens.exchanges] == [("client_credentials", 201)]


def test_another_outcome_at_the_connector_is_an_alarm(told, trail):
    _, row = told(409)
    assert (row().state, row().reason) == ("conflict", "the connector has received another outcome for it (409)")
    assert trail.one(action="callback.conflict").outcome == "failed"
    work()
    assert row().state == "conflict"


def test_what_is_refused_again_and_again_waits_for_an_operator(told, connector):
    with connector.failing("/v1/callbacks", Answer(404, {"type": "not_found", "message": ["no"]})):
        _, row = told()
        for _ in range(REFUSALS - 1):
            assert row().state == "waiting"
            work()
    assert row().state == "refused"
    resend(callback=row(), actor="test")
    work()
    assert row().state == "delivered"


@pytest.mark.parametrize(
    "answer", [Answer(200, {}), Answer(302, {}), Answer(201, {"access_token": "x"}), Answer(400, {"error": "x"})]
)
def test_nothing_but_204_ends_it(told, connector, answer):
    with connector.failing("/v1/callbacks", answer):
        _, row = told()
    assert (row().state, row().attempts) == ("waiting", 1)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(201, {"access_token": 7, "token_type": "bearer", "expires_in": 60}),
        Answer(201, {"access_token": "two words", "token_type": "bearer", "expires_in": 60}),
        Answer(201, {"access_token": "x", "token_type": "mac", "expires_in": 60}),
        Answer(201, ["x"]),
        Answer(401, {"error": "invalid_client"}),
        Answer(500, {}),
        Answer(BROKEN_OFF),
    ],
)
def test_without_a_token_nothing_is_sent_and_it_waits(told, connector, answer):
    with connector.failing("/v1/oauth", answer):
        _, row = told()
    assert (row().state, row().attempts, calls(connector, "/v1/callbacks")) == ("waiting", 1, [])
    work()
    assert row().state == "delivered"


def test_a_redirect_is_not_followed(told, connector):
    with connector.failing("/v1/callbacks", Answer(307, {})):
        _, row = told()
    assert len(calls(connector, "/")) == 2  # the token, and one attempt
    assert row().reason == "the connector answered 307"


def test_a_suspended_marketplace_is_not_called(told, connector, market):
    callback, row = told(500)
    type(market).objects.update(is_active=False)
    work()
    assert (row().state, callback.attempts) == ("waiting", 1)


def test_after_24_hours_it_is_given_up_and_erased(told, trail):
    _, row = told(500)
    Callback.objects.update(requested_at=timezone.now() - timedelta(hours=24))
    deliver(str(row().pk))
    assert (row().state, row().sealed_body) == ("expired", None)
    assert trail.one(action="callback.expired").outcome == "failed"


def test_an_operator_closes_it_with_a_reason(told, trail):
    _, row = told(409)
    with pytest.raises(Invalid):
        close(callback=row(), actor="test", reason=" ")
    close(callback=row(), actor="test", reason="settled by phone")
    assert (row().state, row().sealed_body, row().reason) == ("closed", None, "settled by phone")
    assert trail.one(action="callback.closed").actor == "test"
    for act in (lambda: resend(callback=row(), actor="test"), lambda: close(callback=row(), actor="t", reason="why")):
        with pytest.raises(Conflict):
            act()


def test_a_lost_job_is_found_by_the_sweep(told):
    told(500)
    Callback.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=3))
    before = len([name for name, _ in jobs() if name == "provisioning.deliver"])
    tasks.sweep(timestamp=0)
    assert len([name for name, _ in jobs() if name == "provisioning.deliver"]) == before + 1


def test_one_that_has_been_delivered_is_not_sent_again(told, connector):
    callback, row = told()
    deliver(str(row().pk))
    assert (callback.attempts, Operation.objects.get().state) == (1, "succeeded")
