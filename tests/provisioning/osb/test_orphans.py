"""A removal that comes while what it removes is being made: it waits, and finds it."""

import threading

import pytest
from django.db import connection, transaction

from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.models import Resource
from provisioning.services import resources
from tests.provisioning.osb.conftest import at, named, new_id, offer
from tests.provisioning.test_suspension_race import waiting

pytestmark = pytest.mark.django_db(transaction=True)


class Deleting(threading.Thread):
    """Sends a DELETE, which the test's own request meets halfway."""

    def __init__(self, platform, path):
        super().__init__()
        self.platform, self.path = platform, path

    def run(self):
        self.status = self.platform.delete(self.path).status_code
        connection.close()


def meet(monkeypatch, module, name, deleting):
    """Have the DELETE begin where ``module`` has done ``name``, and not committed it."""
    original = getattr(module, name)

    def interrupted(*arguments, **options):
        done = original(*arguments, **options)
        deleting.start()
        deleting.join(0.5)  # it waits for us, or it misses what we have not committed
        return done

    monkeypatch.setattr(module, name, interrupted)


def test_a_removal_during_the_provision_removes_it(platform, new_platform, small, monkeypatch):
    path = at(new_id())
    deleting = Deleting(new_platform(), path + named(small))
    meet(monkeypatch, resources, "record_provisioned", deleting)
    assert platform.put(path, offer(small)).status_code == 201
    deleting.join(20)
    assert deleting.status == 200
    assert Resource.objects.get().state == "deprovisioned"


def test_a_removal_during_the_bind_removes_it(platform, new_platform, instance, small, policy):
    """It is held between its statements and its commit, which waits for the policy, a foreign key of the credential."""
    path, answers = at(instance, new_id()), []

    def put():
        answers.append(new_platform().put(path, offer(small)).status_code)
        connection.close()

    deleting = Deleting(new_platform(), path + named(small))
    with transaction.atomic():
        CredentialPolicy.objects.select_for_update().get(pk=policy.pk)
        for number, thread in enumerate([threading.Thread(target=put), deleting], start=1):
            thread.start()
            while waiting() < number:
                assert thread.is_alive()
    deleting.join(20)
    assert (answers, deleting.status) == ([201], 200)
    assert Credential.objects.get().state == "revoked"
