"""A worker killed between any two steps: nothing is lost, and nothing is done twice outside without being found."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from procrastinate.exceptions import AlreadyEnqueued

from credservice import tasks
from credservice.credentials.models import Credential
from credservice.credentials.services import revoke, rotate
from tests.lifecycle.conftest import BACKEND
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run_worker(outside, clear_jobs):
    """Run a real worker process until nothing is left to do now; returns its exit code (negative: killed)."""
    clear_jobs()

    def run_worker() -> int:
        command = [sys.executable, str(ROOT / "manage.py"), "worker", "--once"]
        return subprocess.run(command, env=environment_of(outside.folder), timeout=60, cwd=ROOT).returncode

    return run_worker


def environment_of(folder: Path) -> dict[str, str]:
    # The tests' own database on the server that DATABASE_URL names.
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    url = f"{base}/{django_settings.DATABASES['default']['NAME']}"
    aliases = {"folder": {"BACKEND": BACKEND, "OPTIONS": {"folder": str(folder)}}}
    return os.environ | {"DATABASE_URL": url, "CREDENTIAL_ISSUERS": json.dumps(aliases)}


def _rescue_jobs() -> None:
    """Do what jobs.rescue does half a minute after a worker's last heartbeat, and end leases, without the wait."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL WHERE status = 'doing'")
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
        cursor.execute("UPDATE credentials_lease SET ends_at = now()")


@pytest.mark.parametrize("point", ["before-issue", "after-issue"])
def test_killed_while_issuing_the_next_worker_makes_the_same_one(run_worker, pending, outside, point):
    outside.fault(point, "kill")
    assert run_worker() == -signal.SIGKILL
    _rescue_jobs()
    assert run_worker() == 0
    pending.refresh_from_db()
    assert (pending.state, outside.live()) == ("active", {str(pending.pk)})
    assert set(outside.calls("issue")) == {str(pending.pk)}


@pytest.mark.parametrize("point", ["before-revoke", "after-revoke"])
def test_killed_while_revoking_the_next_worker_ends_it(run_worker, active, outside, point, trail):
    revoke(credential=active, actor="test", reason="test")
    outside.fault(point, "kill")
    assert run_worker() == -signal.SIGKILL
    _rescue_jobs()
    assert run_worker() == 0
    active.refresh_from_db()
    assert (active.state, outside.live()) == ("revoked", set())
    assert len(trail.all(action="credential.revoked")) == 1


def test_killed_during_a_rotation_the_old_one_is_handed_out_until_the_new_one_is_there(run_worker, active, outside):
    successor = rotate(credential=active, actor="test")
    outside.fault("after-issue", "kill")
    assert run_worker() == -signal.SIGKILL
    active.refresh_from_db()
    assert active.is_usable()
    _rescue_jobs()
    assert run_worker() == 0
    assert Credential.objects.get(line=active.line, state="active").pk == successor.pk


def test_a_dead_workers_jobs_are_rescued_by_a_living_one(run_worker, pending, outside):
    outside.fault("before-issue", "kill")
    assert run_worker() == -signal.SIGKILL
    with connection.cursor() as cursor:  # half a minute later
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
        cursor.execute("UPDATE credentials_lease SET ends_at = now()")
    with contextlib.suppress(AlreadyEnqueued):  # by the worker's own clock, just then
        tasks.rescue.defer(timestamp=0)
    assert run_worker() == 0
    assert run_worker() == 0
    pending.refresh_from_db()
    assert pending.state == "active"
