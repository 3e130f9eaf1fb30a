"""Two imports of the same file, and one that is killed in the middle."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from django.db import connection

from credservice.credentials.models import Credential
from exchange.models import EndUser, Grant
from tests.exchange.bulk.imports import counts, ndjson, row, run
from tests.support.concurrency import at_once
from tests.support.exchange_factories import make_door
from tests.support.live import LiveService, own_database
from tests.support.paths import ROOT

ROWS = 12_000


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_of_one_file_each_row_is_made_once(client):
    make_door(client)
    content = ndjson(*(row(n, value=f"value of number {n}") for n in range(1_200)))
    results = at_once(lambda _: run(content), 2)
    assert [refused for _, refused in results] == [{}, {}]
    created = [counts(summary) for summary, _ in results]
    assert [sum(column) for column in zip(*created, strict=True)] == [1_200, 0, 1_200, 0]
    assert (Grant.objects.count(), Credential.objects.count()) == (1_200, 1_200)


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_end_users_in_another_order_do_not_wait_in_a_circle(client):
    make_door(client)
    rows = [row(n, value=f"value of number {n}") for n in range(600)]
    both = [ndjson(*rows), ndjson(*reversed(rows))]
    results = at_once(lambda number: run(both[number]), 2)
    assert [refused for _, refused in results] == [{}, {}]
    assert EndUser.objects.filter(external_id__startswith="bulk-").count() == 600
    assert connection.is_usable()


def test_killed_in_the_middle_it_is_whole_batches_and_goes_on(tmp_path):
    with own_database() as url:
        service = LiveService(tmp_path, url)
        service.set_up()
        file = tmp_path / "rows.ndjson"
        file.write_bytes(ndjson(*(row(n, value=f"value of number {n}") for n in range(ROWS))))
        _kill_after_first_batch(service, str(file))
        written = _written(service)
        assert written[0] % 1_000 == 0
        assert 0 < written[0] < ROWS
        assert written == (written[0],) * 3
        done = service.manage("import_credentials", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{ROWS - written[0]:,} created, 0 changed, {written[0]:,} unchanged" in done.stdout
        assert _written(service) == (ROWS,) * 3


def _written(service):
    """End users, credentials, and lines in the trail about the credentials."""
    users = "SELECT id::text FROM exchange_enduser WHERE external_id LIKE 'bulk-%'"
    theirs = f"SELECT 'end_user:' || u.id FROM ({users}) u"
    credentials = f"SELECT id::text FROM credentials_credential WHERE subject IN ({theirs})"
    return tuple(
        service.rows(f"SELECT count(*) FROM ({statement}) found")[0][0]
        for statement in (
            users,
            credentials,
            f"SELECT 1 FROM audit_auditevent WHERE action = 'credential.issued' AND object_id IN ({credentials})",
        )
    )


def _kill_after_first_batch(service, file):
    command = [sys.executable, "manage.py", "import_credentials", file, "--jobs", "2"]
    process = subprocess.Popen(command, cwd=ROOT, env=service.environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while _written(service)[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    lanes = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(lanes) == 2
    assert not psutil.wait_procs(lanes, timeout=20)[1]
