"""Batches in processes side by side: their order, what waits for what, and how they end."""

import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import active_children

import psutil
import pytest

from credservice.vendor_api.problems import FieldError, InvalidFields
from exchange.bulk.process_pool import LaneEnded, WorkFailed, side_by_side
from exchange.models import EndUser, Grant
from tests.exchange.bulk.imports import counts, ndjson, row, run
from tests.support.exchange_factories import make_door
from tests.support.interrupts import default_interrupts
from tests.support.live import LiveService, own_database
from tests.support.paths import ROOT


def test_results_come_in_the_order_of_the_batches():
    def work(batch):
        time.sleep(0.2 if batch == 0 else 0)
        return batch * 10

    assert list(side_by_side(work, range(6), lambda batch: {batch}, lanes=3)) == [(n, n * 10) for n in range(6)]


def test_they_run_at_the_same_time_in_processes_of_their_own():
    def work(_):
        time.sleep(0.3)
        return os.getpid()

    started = time.monotonic()
    pids = {pid for _, pid in side_by_side(work, range(4), lambda batch: {batch}, lanes=4)}
    assert (len(pids), os.getpid() in pids) == (4, False)
    assert time.monotonic() - started < 1.1  # one after the other: 1.2


def test_a_batch_waits_for_one_with_the_same_key(tmp_path):
    file = tmp_path / "written"

    def work(batch):
        name, seconds = batch
        time.sleep(seconds)
        with file.open("a") as out:
            out.write(name)

    batches = [("a", 0.3), ("b", 0.0), ("c", 0.0)]
    keys = {"a": {"x", "y"}, "b": {"z"}, "c": {"y"}}
    list(side_by_side(work, batches, lambda batch: keys[batch[0]], lanes=3))
    assert file.read_text() == "bac"


def test_what_a_lane_raises_is_raised_after_what_came_before_it():
    def work(batch):
        if batch == 1:
            raise InvalidFields([FieldError("/name", "This is missing.")])
        return batch

    found = side_by_side(work, range(5), lambda batch: {batch}, lanes=2)
    assert next(found) == (0, 0)
    with pytest.raises(InvalidFields) as refusal:
        next(found)
    assert refusal.value.errors == (FieldError("/name", "This is missing."),)
    assert not active_children()


class Unportable(Exception):
    def __init__(self, first, second):
        super().__init__(first)
        self.second = second


@pytest.mark.parametrize("second", ["a text", threading.Lock()])
def test_what_cannot_come_through_a_pipe_is_told_by_its_class(second):
    def work(_):
        raise Unportable("first", second)

    with pytest.raises(WorkFailed, match=r"test_lanes\.Unportable"):
        list(side_by_side(work, range(3), lambda batch: {batch}, lanes=2))
    assert not active_children()


def test_whoever_stops_early_leaves_nothing_behind():
    found = side_by_side(lambda batch: batch, range(1_000), lambda batch: {batch}, lanes=2)
    next(found)
    assert len(active_children()) == 2
    found.close()
    assert not active_children()


def test_a_lane_that_is_killed_is_told():
    def work(batch):
        if batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return batch

    found = side_by_side(work, range(5), lambda batch: {batch}, lanes=2)
    assert next(found) == (0, 0)
    with pytest.raises(LaneEnded):
        next(found)


@pytest.mark.django_db(transaction=True)
def test_rows_of_one_end_user_far_apart_are_done_in_their_order(client):
    make_door(client)
    rows = [row(n, value=f"value of number {n}") for n in range(2_500)]
    again = {"external_id": "bulk-7", "name": "As the last line says"}
    taken = {"external_id": "bulk-late", "end_user_id": "enduser_bulk_1100"}  # as line 1,101 is another's by then
    summary, refused = run(ndjson(*rows, again, taken), lanes=3)
    assert counts(summary) == (2_500, 1, 0, 1)
    assert (summary.rows, summary.last_line, list(refused)) == (2_502, 2_502, [2_502])
    assert EndUser.objects.get(external_id="bulk-7").name == "As the last line says"
    assert EndUser.objects.filter(external_id__startswith="bulk-").count() == Grant.objects.count() == 2_500


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_in_lanes_writes_nothing(client):
    make_door(client)
    summary, refused = run(
        ndjson(*(row(n, value="a value") for n in range(1_500)), {"name": "nobody"}), lanes=2, dry_run=True
    )
    assert (counts(summary), list(refused)) == ((1_500, 0, 0, 1), [1_501])
    assert not EndUser.objects.filter(external_id__startswith="bulk-").exists()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with own_database() as url:
        service = LiveService(tmp_path_factory.mktemp("lanes"), url)
        service.set_up()
        yield service


def importing(service, rows):
    file = service.folder / "rows.ndjson"
    file.write_bytes(ndjson(*rows))
    command = [sys.executable, "manage.py", "import_credentials", str(file), "--jobs", "2"]
    with default_interrupts():
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=service.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    lanes: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(lanes) < 2 and time.monotonic() < deadline:
        lanes = psutil.Process(process.pid).children()
        time.sleep(0.01)
    return process, lanes


def written(service):
    return service.rows("SELECT count(*) FROM exchange_enduser WHERE external_id LIKE 'bulk-%'")[0][0]


def test_interrupted_it_says_where_to_go_on(service):
    before = written(service)
    process, lanes = importing(service, [row(n, value=f"value of number {n}") for n in range(100_000, 140_000)])
    deadline = time.monotonic() + 60
    while written(service) < before + 3_000 and time.monotonic() < deadline:  # of two lanes: the first batch is told
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to all of them
    sums, said = process.communicate(timeout=60)
    assert process.returncode == 1
    line = int(said.rpartition("--from-line ")[2].rstrip(".\n"))
    assert said == f"CommandError: Stopped. Everything up to line {line - 1} is done: go on with --from-line {line}.\n"
    assert f" {line - 1:,} created, 0 changed, 0 unchanged, 0 refused." in sums
    assert before < written(service) >= before + line - 1
    assert not any(lane.is_running() for lane in lanes)


def test_with_a_lane_killed_it_says_so(service):
    process, lanes = importing(service, [row(n, value=f"value of number {n}") for n in range(200_000, 240_000)])
    lanes[0].kill()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "One of its processes was ended." in said) == (1, True)
    assert "go on with --from-line" in said or "Begin again" in said
    assert not any(lane.is_running() for lane in lanes)
