"""A resource that is suspended while a credential of it is being made."""

import threading

import pytest
from django.db import connection, transaction

from credservice.console.states import change_state
from credservice.credentials.models import Credential
from credservice.credentials.services import set_suspended
from provisioning.models import Resource
from provisioning.services import credentials
from tests.provisioning.conftest import new_id, put_credential

pytestmark = pytest.mark.django_db(transaction=True)


def suspend(resource):
    """What the console's page does."""
    with transaction.atomic():
        states = {"source": ["active"], "target": "suspended", "verb": "suspended"}
        change_state(obj=resource, field="state", actor="user:ann", **states)
        set_suspended(subject=resource.subject, suspended=True)
    connection.close()


def test_a_credential_made_at_that_moment_is_suspended_too(door, resource_id, monkeypatch):
    suspension = threading.Thread(target=suspend, args=[Resource.objects.get()])
    bind = credentials.bind

    def interrupted(*arguments):
        bind(*arguments)
        suspension.start()
        suspension.join(0.5)  # it waits for us, or it misses what we have not committed

    monkeypatch.setattr(credentials, "bind", interrupted)
    assert put_credential(door, new_id(), resource_id).status_code == 201
    suspension.join(10)
    assert Credential.objects.get().suspended
