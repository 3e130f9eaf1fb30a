"""A worker killed between any two steps outside: the vendor does it once, and the callback arrives once."""

import json
import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.db import connection

from credservice.credentials.models import CredentialPolicy
from provisioning.checker.connector.answers import BROKEN_OFF, Answer
from provisioning.manifold.connector.rotations import ask_rotation
from provisioning.models import Callback, CredentialRotation, Operation, ResourceCredential
from tests.lifecycle.conftest import BACKEND
from tests.lifecycle.outside import Outside
from tests.provisioning.conftest import new_id
from tests.provisioning.manifold.connector.conftest import SECRET, Asking, Endpoint, work
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


class Worker:
    """Real worker processes, each until nothing is left to do now, also of what a job enqueues; killed when what they
    call says so."""

    def __init__(self, environment):
        self.environment, self.process = environment, None

    def run(self):
        """Its exit code; negative: killed."""
        self._rescue()
        command = [sys.executable, str(ROOT / "manage.py"), "worker", "--once"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT)
        return self.process.wait(60)

    def _rescue(self):
        """Do what jobs.rescue does half a minute after a worker's end, and end pauses and leases."""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL WHERE status = 'doing'")
            cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
            cursor.execute("UPDATE credentials_lease SET ends_at = now()")
        Callback.objects.update(next_attempt_at=None)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def outside(tmp_path, settings):
    outside = Outside(tmp_path / "outside")
    aliases = {"folder": {"BACKEND": BACKEND, "OPTIONS": {"folder": str(outside.folder)}}}
    settings.CREDENTIAL_ISSUERS = settings.CREDENTIAL_ISSUERS | aliases
    return outside


@pytest.fixture
def ask(door, market, bear, vendor_endpoint, connector, outside):
    CredentialPolicy.objects.update(issuer="folder", options={})
    bear.provisioner, bear.slow_credentials = "vendor", True
    bear.save()
    return Asking(door, connector)


@pytest.fixture
def worker(ask, settings):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    folder = {name: settings.CREDENTIAL_ISSUERS[name] for name in ("folder",)}
    return Worker(
        os.environ
        | {
            "DATABASE_URL": f"{base}/{django_settings.DATABASES['default']['NAME']}",
            "CREDENTIAL_ISSUERS": json.dumps(folder),
            "PROVISIONERS": json.dumps(settings.PROVISIONERS),
            "VENDOR_SECRET": SECRET,
        }
    )


def kill_at(worker, server, path="", *, done_first):
    """Kill the worker at its first call of a server's path: before the server does its part, or after."""
    killed = []

    def around(call, answered):
        if killed or not call.path.startswith(path):
            return answered()
        killed.append(call)
        if done_first:
            answered()
        worker.kill()
        return answered() if isinstance(server, Endpoint) else Answer(BROKEN_OFF)

    server.around = around


def arrived_once(callback):
    assert (callback.accepted, callback.problem, callback.content["state"]) == (True, None, "done")
    assert Callback.objects.get(partner_id=callback.id).state == "delivered"
    assert set(Operation.objects.values_list("state", flat=True)) == {"succeeded"}


@pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])
def test_killed_at_the_vendors_endpoint(worker, ask, vendor_endpoint, done_first):
    answer = ask.put_resource(new_id())
    kill_at(worker, vendor_endpoint, done_first=done_first)
    assert worker.run() == -signal.SIGKILL
    assert worker.run() == 0
    arrived_once(answer.callback)
    assert len({told["id"] for told in vendor_endpoint.told}) == 1
    assert answer.callback.attempts == 1


@pytest.mark.parametrize("point", ["before-issue", "after-issue"])
def test_killed_at_the_issuer(worker, ask, outside, point):
    answer = ask.put_credential(new_id(), ready(ask))
    outside.fault(point, "kill")
    assert worker.run() == -signal.SIGKILL
    assert worker.run() == 0
    arrived_once(answer.callback)
    assert (len(outside.live()), answer.callback.attempts) == (1, 1)


@pytest.mark.parametrize("point", ["before-revoke", "after-revoke"])
def test_killed_while_a_credential_is_ended(worker, ask, outside, point):
    credential_id = new_id()
    ask.put_credential(credential_id, ready(ask))
    work()
    answer = ask.delete("credentials", credential_id)
    outside.fault(point, "kill")
    assert worker.run() == -signal.SIGKILL
    assert worker.run() == 0
    arrived_once(answer.callback)
    assert outside.live() == set()


@pytest.mark.parametrize("path", ["/v1/oauth/tokens", "/v1/callbacks"])
@pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])
def test_killed_at_the_connector(worker, ask, connector, path, done_first):
    answer = ask.put_resource(new_id())
    kill_at(worker, connector, path, done_first=done_first)
    assert worker.run() == -signal.SIGKILL
    assert worker.run() == 0
    arrived_once(answer.callback)
    # An attempt of which we never heard is made again, with the same bytes: the connector takes it as the same one.
    assert answer.callback.attempts == (2 if done_first and path == "/v1/callbacks" else 1)


@pytest.mark.parametrize("path", ["/v1/oauth/tokens", "/v1/credential-rotations"])
@pytest.mark.parametrize("done_first", [False, True], ids=["before", "after"])
def test_killed_while_a_rotation_is_asked_for(worker, ask, connector, path, done_first):
    ask.put_credential(new_id(), ready(ask))
    work()
    rotation = ask_rotation(resource_credential=ResourceCredential.objects.get(), actor="user:ann", reason="Leaked")
    kill_at(worker, connector, path, done_first=done_first)
    assert worker.run() == -signal.SIGKILL
    assert worker.run() == 0
    rotation.refresh_from_db()
    assert rotation.state == CredentialRotation.State.ACKNOWLEDGED
    # "... the same payload and rotation_id to be guaranteed that the operation will run exactly once".
    assert list(connector.rotations) == [rotation.partner_id]


def ready(ask):
    resource_id = new_id()
    ask.put_resource(resource_id)
    work()
    return resource_id
