"""An import whose database goes at any moment: it is answered 200 or 503, and sent again it is complete.

Behind a PgBouncer too, where libpq learns of the loss in other ways; that half is skipped where there is none.
"""

import random
import threading
import time
from collections import Counter

import httpx2
import psycopg
import pytest

from tests.e2e.partners import TIMEOUT
from tests.exchange.bulk.imports import ndjson, row
from tests.support.concurrency import until
from tests.support.live import serving
from tests.support.pooler import PROGRAM, pooled_postgres

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")
ROWS, TRIALS = 400, 24
WAYS = ("", "?dry_run=true", "?on_error=stop")
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"


class Importer:
    """Sends imports to a service on a PostgreSQL of its own."""

    def __init__(self, service, postgres):
        self.postgres = postgres
        token = service.manage("create_token", "importer", "--scope", "bulk:write").stdout.split()[-1]
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
        self._url = f"{service.base_url}/api/v1/bulk"
        assert self.is_complete("first")
        began = time.monotonic()
        assert self.is_complete("second")
        self.seconds = time.monotonic() - began  # of one that nobody disturbs

    def send(self, name, way=""):
        rows = (row(f"{name}-{number}", value=f"value-{name}-{number}", name="N" * 200) for number in range(ROWS))
        url, content = self._url + way, ndjson(*rows)
        return httpx2.post(url, content=content, headers=self._headers, timeout=TIMEOUT, trust_env=False)

    def is_complete(self, name):
        answer = self.send(name)
        return answer.status_code == 200 and answer.json()["created"] + answer.json()["unchanged"] == ROWS


@pytest.fixture(scope="module", params=["direct", "pooled"])
def importer(request):
    with pooled_postgres() as (postgres, pooler):
        url = postgres.url if request.param == "direct" else pooler.url
        with serving(url, DATABASE_DIRECT_URL=postgres.url) as service:
            yield Importer(service, postgres)


def test_a_connection_that_ends_at_any_moment_is_no_fault_of_ours(importer):
    rng = random.Random(0)
    answers = Counter()
    with psycopg.connect(importer.postgres.conninfo(), autocommit=True) as killer:

        def end_all():
            time.sleep(rng.random() * importer.seconds)
            for _ in range(rng.choice([1, 1, 1, 6])):
                killer.execute(_END)
                time.sleep(rng.random() * 0.02)

        for trial in range(TRIALS):
            ending = threading.Thread(target=end_all)
            ending.start()
            answers[importer.send(f"trial-{trial}", WAYS[trial % len(WAYS)]).status_code] += 1
            ending.join()
    assert set(answers) <= {200, 503}
    assert answers[503] > 0
    until(lambda: importer.is_complete("trial-0"))


def test_a_server_that_stops_meanwhile_and_comes_back_costs_no_row(importer):
    answers = []
    sending = threading.Thread(target=lambda: answers.append(importer.send("stopped").status_code))
    sending.start()
    time.sleep(importer.seconds / 2)
    importer.postgres.stop()
    time.sleep(1)
    importer.postgres.start()  # before the pooler tells: it has its callers wait for a server
    sending.join()
    assert set(answers) <= {200, 503}
    until(lambda: importer.is_complete("stopped"))
