"""Whoever makes a credential: the marketplace gets no value before a line of that hand-out is committed."""

import threading
import time

import pytest
from django.db import connection, connections

from credservice.audit.models import AuditEvent
from credservice.credentials import tasks
from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.services import credentials, deadline
from tests.provisioning.conftest import new_id, put_credential
from tests.provisioning.manifold.connector.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def outside(issuer, resource_id):
    CredentialPolicy.objects.update(issuer="outside", options={})
    return issuer


@pytest.fixture
def worker_first(outside, monkeypatch):
    """A worker has the credential's lock before the request that began it, which waits for the lock meanwhile."""
    at_work, is_awaited = threading.Event(), threading.Event()
    ask, sleep = outside._ask, time.sleep

    def issue(*_):
        at_work.set()
        assert is_awaited.wait(10)
        return ask()

    def pause(seconds):
        is_awaited.set()  # the request did not get the lock
        sleep(seconds)

    def worker():
        tasks.finish_issue(str(Credential.objects.get().pk))
        connection.close()

    def after_the_worker(act):
        thread = threading.Thread(target=worker)
        thread.start()
        assert at_work.wait(10)
        monkeypatch.setattr("credservice.credentials.locks.time.sleep", pause)
        try:
            return deadline.in_time(act)
        finally:
            is_awaited.set()
            thread.join(10)

    monkeypatch.setattr(outside, "_ask", issue)
    monkeypatch.setattr(credentials, "in_time", after_the_worker)


def committed(**where):
    """The lines about the one credential that a session of its own sees: nothing of an open transaction is in them."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM audit_auditevent WHERE object_id = %s", [str(Credential.objects.get().pk)])
            seen = [pk for (pk,) in cursor.fetchall()]
    finally:
        other.close()
    return list(AuditEvent.objects.filter(pk__in=seen, **where).order_by("id"))


def handed_out():
    return [(line.action, line.actor, line.outcome) for line in committed()]


@pytest.mark.usefixtures("worker_first")
def test_values_that_the_worker_made_while_the_request_waited(door, resource_id):
    answer = put_credential(door, new_id(), resource_id)
    assert (answer.status_code, answer.json()["credentials"]) == (201, {"TOKEN": "token-0"})
    assert handed_out() == [
        ("credential.issued", "worker", "done"),
        ("credential.handed_out", "marketplace:manifold", "granted"),
    ]
    assert committed(action="credential.handed_out")[0].request_id == answer["X-Request-ID"]


@pytest.mark.usefixtures("worker_first")
def test_values_whose_hand_out_cannot_be_recorded_stay_here(door, resource_id, monkeypatch):
    def fail(**_):
        raise RuntimeError

    monkeypatch.setattr(credentials, "record", fail)
    answer = put_credential(door, new_id(), resource_id)
    assert (answer.status_code, "token" in answer.content.decode()) == (500, False)


@pytest.mark.usefixtures("outside")
def test_values_that_the_request_had_made_outside(door, resource_id):
    assert put_credential(door, new_id(), resource_id).status_code == 201
    assert handed_out() == [
        ("credential.issued", "marketplace:manifold", "done"),
        ("credential.handed_out", "marketplace:manifold", "granted"),
    ]


def test_values_in_a_callback_have_their_line_before_they_are_sent(ask, ready_id, connector, monkeypatch):
    lines_when_sent = []

    def around(call, answered):
        if "/callbacks/" in call.path and b"credentials" in call.body:
            lines_when_sent.append(handed_out())
        return answered()

    monkeypatch.setattr(connector, "around", around)
    answer = ask.put_credential(new_id(), ready_id)
    work()
    assert answer.callback.content["credentials"] == {"TOKEN": "token-0"}
    assert lines_when_sent == [
        [("credential.issued", "worker", "done"), ("credential.handed_out", "worker", "granted")],
    ]
