"""``worker --once`` ends when nothing can be begun: it waits for no job of which another worker holds the lock."""

import subprocess
import sys

import pytest
from django.db import connection

from tests.lifecycle.test_killed import environment_of
from tests.support.paths import ROOT

LOCK = "a lock of these tests"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run_worker(outside, clear_jobs):
    clear_jobs()
    command = [sys.executable, str(ROOT / "manage.py"), "worker", "--once"]

    def run_worker() -> None:
        subprocess.run(command, env=environment_of(outside.folder), cwd=ROOT, check=True, timeout=60)

    yield run_worker
    clear_jobs()


def enqueue(*locks: str | None, status: str = "todo", delay: str = "0") -> None:
    """Insert a job with each lock, after one another; one that is being done has a worker whose heart beats."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        worker = cursor.fetchone()[0] if status == "doing" else None
        cursor.executemany(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, lock, status, worker_id, scheduled_at)"
            " VALUES ('default', 'statistics.count_states', '{\"timestamp\": 0}', %s, %s::procrastinate_job_status, %s,"
            " now() + %s::interval)",
            [(lock, status, worker, delay) for lock in locks],
        )


def left() -> list[tuple[str, str | None]]:
    """The jobs that are not done, by status and lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text, lock FROM procrastinate_jobs WHERE args->>'timestamp' = '0' ORDER BY id")
        return list(cursor.fetchall())


def test_a_job_whose_lock_another_worker_holds_is_left_and_others_are_done(run_worker):
    enqueue(LOCK, status="doing")
    enqueue(LOCK, None, "another lock")
    run_worker()
    assert left() == [("doing", LOCK), ("todo", LOCK)]


def test_all_jobs_of_one_lock_are_done_one_after_the_other(run_worker):
    enqueue(*[LOCK] * 5)
    run_worker()
    assert left() == []


def test_a_job_of_a_later_time_is_left(run_worker):
    enqueue(None, delay="1 hour")
    run_worker()
    assert left() == [("todo", None)]
