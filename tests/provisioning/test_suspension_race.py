"""A resource that is suspended while a credential of it is being made."""

import threading

import pytest
from django.db import connection, transaction

from credservice.audit.state_change import change_state
from credservice.credentials.models import Credential, CredentialPolicy
from credservice.credentials.services import set_suspended
from provisioning.models import Resource
from tests.provisioning.conftest import new_id, put_credential

pytestmark = pytest.mark.django_db(transaction=True)


def suspend(resource):
    """Do what the console's page does."""
    with transaction.atomic():
        states = {"source": ["active"], "target": "suspended", "verb": "suspended"}
        change_state(obj=resource, field="state", actor="user:ann", **states)
        set_suspended(subject=resource.subject, suspended=True)
    connection.close()


def test_a_credential_made_at_that_moment_is_suspended_too(door, resource_id):
    """It is held between its statements and its commit, which waits for the policy, a foreign key of the credential."""
    answers = []

    def put():
        answers.append(put_credential(door, new_id(), resource_id))
        connection.close()

    threads = [threading.Thread(target=put), threading.Thread(target=suspend, args=[Resource.objects.get()])]
    with transaction.atomic():
        CredentialPolicy.objects.select_for_update().get(products__resources__partner_id=resource_id)
        for number, thread in enumerate(threads, start=1):
            thread.start()
            while waiting() < number:
                assert thread.is_alive()
    for thread in threads:
        thread.join(10)
    assert [answer.status_code for answer in answers] == [201]
    assert Credential.objects.get().suspended


def waiting() -> int:
    """Count the connections that wait for a lock in this database."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with connection.cursor() as cursor:
        found: int = cursor.execute(query).fetchone()[0]
        cursor.execute("SELECT pg_stat_clear_snapshot()")
    return found
