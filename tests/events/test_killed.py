"""A worker killed between the receiver's answer and its own record of it: the event comes again, under the same id."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from django.conf import settings as django_settings
from django.db import connection

from credservice.events.emit import emit
from credservice.events.models import EventDelivery
from credservice.events.tasks import sweep
from tests.events.conftest import make_endpoint
from tests.support.http_server import Answer, Received, http_server
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


def run_worker() -> int:
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    url = f"{base}/{django_settings.DATABASES['default']['NAME']}"
    command = [sys.executable, str(ROOT / "manage.py"), "worker", "--once"]
    return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, timeout=90, cwd=ROOT).returncode


def later() -> None:
    """A minute after the claim, and two after the job was lost."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
        cursor.execute("UPDATE events_eventdelivery SET next_attempt_at = now() - interval '5 minutes'")


def test_a_worker_killed_after_the_answer_delivers_again_under_the_same_id():
    killed: list[int] = []

    def answer(_: Received) -> Answer:
        if not killed:  # whoever sends it: a worker of this test
            for process in psutil.Process().children(recursive=True):
                if "worker" in process.cmdline():
                    killed.append(process.pid)
                    process.send_signal(signal.SIGKILL)
        return Answer(204, b"")

    with http_server(answer) as server:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
        make_endpoint(server.url, "credential.issued")  # not what the worker itself tells every five minutes
        emit("credential.issued", object_type="credential", object_id="1")
        assert run_worker() == -signal.SIGKILL
        assert EventDelivery.objects.get().state == "pending"
        later()
        sweep(0)
        assert run_worker() == 0
        assert EventDelivery.objects.get().state == "delivered"
        assert len(server.received) == 2
        assert len({(request.headers["webhook-id"], request.body) for request in server.received}) == 1
