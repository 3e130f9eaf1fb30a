"""The service behind a real PgBouncer in transaction mode: all is well, nothing is left behind for its other clients.

Skipped where PgBouncer is not installed.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import psycopg
import pytest

from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id
from tests.lifecycle.test_worker_reconnects import enqueue, state_of, working
from tests.support.concurrency import until
from tests.support.live import serving
from tests.support.pooler import PROGRAM, pooled_postgres

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")
AT_ONCE = 16
ROUNDS = 160
# What a session of ours would have left in a connection of the pooler's.
_LEFT = """
SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
       (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels()),
       current_setting('statement_timeout'), current_setting('IntervalStyle')
"""


@pytest.fixture(scope="module")
def pooled():
    with pooled_postgres() as (postgres, pooler):
        yield postgres, pooler


@pytest.fixture(scope="module")
def service(pooled):
    postgres, pooler = pooled
    with serving(pooler.url, DATABASE_DIRECT_URL=postgres.url) as service:
        service.rows("UPDATE exchange_platform SET approve_installations = true RETURNING id")
        yield service


def outcomes(service):
    """Every kind of a partner's call, many at once: how each was answered."""
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    with httpx2.Client(timeout=TIMEOUT, trust_env=False, limits=limits) as client:
        mindcloud, manifold = MindCloud(service, client), Manifold(service, client)

        def one(number):
            resource_id, credential_id = new_id(), new_id()
            first = {"integrationId": "int_generated", "installationId": f"install_{resource_id}"}
            yield "exchange", mindcloud.exchange()
            yield "first exchange", mindcloud.exchange(**first)
            yield "resource", manifold.put_resource(resource_id)
            yield "credential", manifold.put_credential(credential_id, resource_id)
            yield "repeated", manifold.put_credential(credential_id, resource_id)
            yield "delete", manifold.send("DELETE", f"/v1/credentials/{credential_id}")

        def all_of(number):
            return [(kind, response.status_code) for kind, response in one(number)]

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return Counter(answer for answers in threads.map(all_of, range(ROUNDS)) for answer in answers)


def left_behind(pooler):
    """Read what is in each of the pooler's connections to the server: all of them, held at once."""
    with psycopg.connect(f"{pooler.url.rpartition('/')[0]}/pgbouncer", autocommit=True) as admin:
        servers = len(admin.execute("SHOW SERVERS", prepare=False).fetchall())
    with ExitStack() as stack:
        held = [stack.enter_context(psycopg.connect(pooler.url, prepare_threshold=None)) for _ in range(servers)]
        return {client.execute(_LEFT).fetchone() for client in held}


def test_under_load_every_call_is_answered_and_nothing_is_left_behind(service, pooled):
    assert outcomes(service) == {
        ("exchange", 200): ROUNDS,
        ("first exchange", 200): ROUNDS,
        ("resource", 201): ROUNDS,
        ("credential", 201): ROUNDS,
        ("repeated", 201): ROUNDS,
        ("delete", 204): ROUNDS,
    }
    assert left_behind(pooled[1]) == {(0, 0, 0, "0", "postgres")}
    assert service.rows("SELECT count(*) FROM credentials_lease") == [(0,)]
    assert httpx2.get(f"{service.base_url}/readyz").json()["status"] == "ok"


def test_a_worker_listens_past_it_alone(service, pooled, tmp_path):
    postgres, pooler = pooled
    beside_it = service.environment | {"DATABASE_DIRECT_URL": ""}
    for environment, listens in ((service.environment, True), (beside_it, False)):
        with working(environment, tmp_path / f"log-{listens}") as worker:
            job = enqueue(postgres)
            worker.wait_for(lambda job=job: state_of(postgres, job) == "gone", "a job is done")
            if listens:
                worker.wait_for(lambda: listeners(service) == [(1,)], "it listens")
            else:
                assert left_behind(pooler) == {(0, 0, 0, "0", "postgres")}
            assert worker.terminate() == 0


def test_what_it_leaves_to_be_set_is_told(service, monkeypatch):
    monkeypatch.setitem(service.environment, "DATABASE_DIRECT_URL", "")
    told = service.manage("check", "--database", "default").stderr
    assert "credservice.W007" in told
    assert "credservice.W008" in told


def listeners(service):
    return service.rows("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")


def test_a_restart_of_it_is_over_within_seconds(service, pooled):
    _, pooler = pooled
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud = MindCloud(service, client)
        assert mindcloud.exchange().status_code == 200
        pooler.stop()
        assert mindcloud.exchange().status_code == 503
        pooler.start()
        assert [mindcloud.exchange().status_code for _ in range(AT_ONCE)] == [200] * AT_ONCE


def test_statements_that_it_does_not_keep_are_noticed(service, monkeypatch):
    monkeypatch.setitem(service.environment, "DATABASE_PREPARED_STATEMENTS", "true")
    service.restart()
    assert any(code >= 500 for _, code in outcomes(service))
    until(lambda: httpx2.get(f"{service.base_url}/readyz").json()["pooler"] == "failed")
