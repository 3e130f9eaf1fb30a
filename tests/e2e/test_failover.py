"""A primary that goes while its standby takes over: nothing acknowledged is lost, and both doors are back in seconds.

DATABASE_URL names both servers; commits wait for the standby.
"""

import shutil
import tempfile
import threading
import time
from pathlib import Path

import httpx2
import psycopg
import pytest

from credservice.devserver.postgres import EmbeddedPostgres
from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id
from tests.lifecycle.test_worker_reconnects import enqueue, state_of, working
from tests.support.concurrency import until
from tests.support.live import conninfo, serving
from tests.support.replica import commit_on_both, promote, run_as_admin, standby_of, url_of

SECONDS = 10  # without an answer, beyond the cluster's own; a quiet machine needs one, and three for the worker


@pytest.fixture(scope="module")
def servers():
    folder = Path(tempfile.mkdtemp(prefix="credservice-standby-"))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder / "first") as first, standby_of(first, folder / "second") as second:
        yield first, second
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(servers):
    first, _ = servers
    with serving(first.url, DATABASE_STATEMENT_SECONDS="2") as service:
        service.environment["DATABASE_URL"] = url_of(*servers)
        service.stop()
        service.start()
        commit_on_both(first)
        yield service


class Partners:
    """Both partners, calling until they are stopped; what they were told, and how."""

    def __init__(self, service):
        self.service, self.acknowledged, self.refused = service, {}, []
        self.exchanged, self.last_failure = 0, 0.0
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
            mindcloud, manifold = MindCloud(self.service, client), Manifold(self.service, client)
            resource_id = self._resource(manifold)
            while not self._stopped.is_set():
                self._note(mindcloud.exchange(), 200)
                credential_id = new_id()
                response = manifold.put_credential(credential_id, resource_id)
                if self._note(response, 201):
                    self.acknowledged[credential_id, resource_id] = response.json()["credentials"]

    def _resource(self, manifold):
        resource_id = new_id()
        assert manifold.put_resource(resource_id).status_code == 201
        return resource_id

    def _note(self, response, wanted):
        if response.status_code == wanted:
            self.exchanged += wanted == 200
            return True
        self.last_failure = time.monotonic()
        self.refused.append((response.status_code, "Retry-After" in response.headers))
        return False


def test_a_primary_that_goes_costs_seconds_and_nothing_that_was_acknowledged(service, servers, tmp_path):
    first, second = servers
    lines = "SELECT count(*) FROM audit_auditevent WHERE action = 'exchange.credential' AND outcome = 'granted'"
    with working(service.environment, tmp_path / "log") as worker:
        job = enqueue(first)
        worker.wait_for(lambda: state_of(first, job) == "gone", "the worker works")
        with Partners(service) as partners:
            until(lambda: partners.exchanged > 50)
            first.stop()
            until(lambda: partners.refused)
            promote(second)
            promoted, before = time.monotonic(), partners.exchanged
            another = enqueue(second)
            worker.wait_for(lambda: state_of(second, another) == "gone", "a job is done")
            assert time.monotonic() - promoted < SECONDS
            until(lambda: partners.exchanged > before + 50)
        assert worker.terminate() == 0
    assert partners.last_failure - promoted < SECONDS
    assert set(partners.refused) == {(503, True)}
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        manifold = Manifold(service, client)
        again = {ids: manifold.put_credential(*ids).json()["credentials"] for ids in partners.acknowledged}
    assert again == partners.acknowledged
    service.environment["DATABASE_URL"] = second.url
    assert service.rows(lines)[0][0] >= partners.exchanged


def test_a_server_that_only_reads_is_told_and_left_once_it_writes(service, servers):
    alive = [server for server in servers if server.pid is not None]
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud = MindCloud(service, client)
        for server in alive:
            run_as_admin(server, "ALTER SYSTEM SET default_transaction_read_only TO on", "SELECT pg_reload_conf()")
        until(lambda: mindcloud.exchange().status_code == 503)
        until(lambda: client.get(f"{service.base_url}/readyz").status_code == 503)
        for server in alive:
            run_as_admin(server, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
        until(lambda: mindcloud.exchange().status_code == 200)
        until(lambda: client.get(f"{service.base_url}/readyz").status_code == 200)
    assert "Traceback" not in service.log.read_text()


def test_a_statement_that_takes_too_long_is_ended(service):
    address = conninfo(service.environment["DATABASE_URL"])
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud = MindCloud(service, client)
        with psycopg.connect(address, target_session_attrs="read-write") as other:
            other.execute("LOCK TABLE exchange_platform")
            response = mindcloud.exchange()
        assert (response.status_code, "Retry-After" in response.headers) == (503, True)
        assert mindcloud.exchange().status_code == 200
