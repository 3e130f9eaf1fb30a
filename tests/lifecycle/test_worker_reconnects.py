"""A worker whose connections are cut goes on by itself, and what it was doing is done."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from credservice.core.worker_health import report
from credservice.credentials.services import start_issue
from credservice.devserver.postgres import EmbeddedPostgres
from tests.lifecycle.test_killed import environment_of
from tests.support.live import LiveService
from tests.support.paths import ROOT

SECONDS = 120


class WorkerProcess:
    """A real ``manage.py worker``; its log is a file."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        command = [sys.executable, str(ROOT / "manage.py"), "worker"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)

    def wait_for(self, condition, what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, f"the worker ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def ended(self) -> int:
        return self.process.wait(SECONDS)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


@contextlib.contextmanager
def working(environment: dict[str, str], log: Path) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(environment, log)
    try:
        yield worker
    finally:
        worker.process.kill()
        worker.process.wait()


@pytest.mark.django_db(transaction=True)
def test_cut_connections_are_replaced_and_the_work_in_hand_is_done(outside, policy, clear_jobs, tmp_path):
    clear_jobs()

    def ordered():
        return start_issue(policy=policy, context={}, subject="end_user:1", actor="test")

    def is_active(credential):
        credential.refresh_from_db()
        return credential.state == "active"

    def cut():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            return cursor.fetchone()[0]

    outside.fault("after-issue", "wait")
    first = ordered()
    with working(environment_of(outside.folder), tmp_path / "log") as worker:
        worker.wait_for(lambda: outside.calls("issue"), "the first one is under way")
        assert cut() > 1
        outside.heal("after-issue")
        worker.wait_for(lambda: is_active(first), "the one that was under way")
        for _ in range(2):
            assert cut() > 1
            another = ordered()
            worker.wait_for(lambda another=another: is_active(another), "one that was ordered after the cut")
        assert worker.terminate() == 0
    clear_jobs()  # one whose connection was cut has failed


@pytest.fixture(scope="module")
def postgres():
    folder = Path(tempfile.mkdtemp(prefix="credservice-postgres-", dir=tempfile.gettempdir()))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(postgres, tmp_path_factory):
    """The tables alone: nobody serves."""
    service = LiveService(tmp_path_factory.mktemp("service"), postgres.url)
    (service.folder / "metrics").mkdir()
    done = service.manage("migrate", "--no-input")
    assert done.returncode == 0, done.stderr
    return service


def enqueue(postgres) -> int:
    """Have the credentials counted: a job without another attempt of its own."""
    statement = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        " VALUES ('default', 'statistics.count_states', '{\"timestamp\": 0}') RETURNING id"
    )
    with psycopg.connect(postgres.conninfo()) as server:
        found = server.execute(statement).fetchone()
    assert found is not None
    return int(found[0])


def state_of(postgres, job: int) -> str:
    """``gone`` where it has been done."""
    with psycopg.connect(postgres.conninfo()) as server:
        row = server.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [job]).fetchone()
        return row[0] if row else "gone"


def test_a_database_that_was_away_is_waited_for_and_a_job_that_ran_is_taken_up(postgres, service, tmp_path):
    with working(service.environment, tmp_path / "log") as worker:
        with contextlib.closing(psycopg.connect(postgres.conninfo())) as other:
            other.execute("LOCK TABLE statistics_tally")
            job = enqueue(postgres)
            worker.wait_for(lambda: state_of(postgres, job) == "doing", "the job runs")
            postgres.stop()
        worker.wait_for(lambda: worker.log.read_text().count("worker_reconnects") > 1, "it tries more than once")
        postgres.start()
        worker.wait_for(lambda: state_of(postgres, job) == "gone", "the job that ran")
        later = enqueue(postgres)
        worker.wait_for(lambda: state_of(postgres, later) == "gone", "one that was enqueued later")
        assert worker.terminate() == 0


def test_asked_to_end_while_the_database_is_away_it_ends(postgres, service, tmp_path):
    with working(service.environment, tmp_path / "log") as worker:
        job = enqueue(postgres)
        worker.wait_for(lambda: state_of(postgres, job) == "gone", "it works")
        postgres.stop()
        try:
            worker.wait_for(lambda: "worker_reconnects" in worker.log.read_text(), "it tries")
            assert worker.terminate() == 0
        finally:
            postgres.start()


@pytest.fixture
def systemd(tmp_path, monkeypatch, service):
    """The socket where systemd is told."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(path)
        told.settimeout(SECONDS)
        monkeypatch.setitem(service.environment, "NOTIFY_SOCKET", path)
        yield told


def test_started_while_the_database_is_away_it_waits_and_is_alive(postgres, service, tmp_path, systemd):
    job = enqueue(postgres)
    postgres.stop()
    with working(service.environment, tmp_path / "log") as worker:
        try:
            worker.wait_for(lambda: "worker_waits" in worker.log.read_text(), "it waits")
            assert systemd.recv(64) == b"READY=1"
            is_well, sentence = report(service.folder)
            assert (is_well, "has waited for its database" in sentence) == (True, True)
        finally:
            postgres.start()
        worker.wait_for(lambda: state_of(postgres, job) == "gone", "the job")
        assert worker.terminate() == 0


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_asked_to_end_before_it_has_its_database_it_ends_at_once(postgres, service, tmp_path, monkeypatch, asked):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which takes connections and never answers
        address = f"postgresql://someone@127.0.0.1:{silent.getsockname()[1]}/nothing?connect_timeout=60"
        monkeypatch.setitem(service.environment, "DATABASE_URL", address)
        with working(service.environment, tmp_path / "log") as worker:
            connection, _ = silent.accept()
            with connection:
                worker.process.send_signal(asked)
                assert worker.process.wait(20) == 0
        assert (report(service.folder)[0], worker.log.read_text()) == (False, "")


def test_what_no_waiting_mends_ends_it_with_a_status_and_a_sentence(postgres, service, tmp_path):
    with working(service.environment, tmp_path / "log") as worker:
        job = enqueue(postgres)
        worker.wait_for(lambda: state_of(postgres, job) == "gone", "it works")
        with psycopg.connect(postgres.conninfo()) as server:
            server.execute("ALTER TABLE procrastinate_workers RENAME TO elsewhere")
        try:
            assert worker.ended() == 1
        finally:
            with psycopg.connect(postgres.conninfo()) as server:
                server.execute("ALTER TABLE elsewhere RENAME TO procrastinate_workers")
    assert 'relation "procrastinate_workers" does not exist. Run: ' in worker.log.read_text()
