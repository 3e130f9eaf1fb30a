"""Goes on with what is asked for synchronously and takes too long, as an operation."""

import threading
import time

import pytest
from django.db import connection

from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.models import Callback, Operation, Resource
from provisioning.services.deadline import OutOfTime, in_time
from tests.provisioning.conftest import new_id, put_credential
from tests.provisioning.manifold.connector.conftest import Asking, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hanging(market, issuer, resource_id, settings, monkeypatch):
    """An issuer that answers when it is let go; requests wait for it for a moment."""
    CredentialPolicy.objects.update(issuer="outside", options={})
    settings.SYNCHRONOUS_SECONDS = 0.3
    let_go = threading.Event()
    monkeypatch.setattr(issuer, "_ask", lambda *_: let_go.wait(20))
    yield let_go
    let_go.set()


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_gives_back_what_the_work_returns_and_raises():
    assert in_time(lambda: 7) == 7
    with pytest.raises(KeyError):
        in_time(lambda: {}["no"])


def test_the_work_has_this_threads_connection_and_leaves_it_where_it_takes_longer(settings):
    connection.ensure_connection()
    mine = connection.connection
    settings.SYNCHRONOUS_SECONDS = 0.2
    ends = threading.Event()
    with pytest.raises(OutOfTime):
        in_time(lambda: ends.wait(10))
    connection.ensure_connection()
    assert connection.connection is not mine
    ends.set()
    wait_for(lambda: mine.closed)


def test_a_thread_that_cannot_start_leaves_the_connection_to_this_one(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    shared = connection.allow_thread_sharing
    with pytest.raises(RuntimeError):
        in_time(lambda: 7)
    assert connection.allow_thread_sharing is shared


def test_a_credential_that_takes_too_long_is_told_by_callback(door, connector, hanging, resource_id):
    ask = Asking(door, connector)
    started = time.monotonic()
    answer = ask.put_credential(new_id(), resource_id)
    assert (answer.status_code, time.monotonic() - started < 5) == (202, True)
    hanging.set()
    wait_for(lambda: Credential.objects.get().state == "active")
    work()
    assert answer.callback.content["credentials"]["TOKEN"]
    assert Operation.objects.get().state == "succeeded"


def test_without_a_callback_it_can_be_asked_for_again(door, hanging, resource_id):
    credential_id = new_id()
    answer = put_credential(door, credential_id, resource_id)
    assert (answer.status_code, Operation.objects.count()) == (503, 0)
    hanging.set()
    wait_for(lambda: Credential.objects.get().state == "active")
    assert put_credential(door, credential_id, resource_id).status_code == 201


def test_a_removal_that_takes_too_long_is_told_by_callback(door, connector, hanging, resource_id):
    hanging.set()
    assert put_credential(door, new_id(), resource_id).status_code == 201
    hanging.clear()
    answer = Asking(door, connector).delete("resources", resource_id)
    assert (answer.status_code, Resource.objects.get().state) == (202, "deprovisioning")
    hanging.set()
    wait_for(lambda: Credential.objects.get().state == "revoked")
    work()
    assert (answer.callback.content["state"], Resource.objects.get().state) == ("done", "deprovisioned")
    assert Callback.objects.get().state == "delivered"
