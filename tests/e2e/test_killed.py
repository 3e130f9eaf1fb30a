"""Killed in the middle of its work, and started again: every credential that was answered is answered again."""

import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from credservice.devserver import Refusal
from credservice.devserver.postgres import EmbeddedPostgres
from tests.e2e.partners import TIMEOUT, Manifold, MindCloud, new_id
from tests.support.concurrency import until
from tests.support.live import serving

PUTS, AT_ONCE = 1000, 50

# Each in one transaction: an id bound without a credential, a credential without its id, one without values or without
# its line in the trail, and a line without its credential are all halves.
HALVES = {
    "binding without credential": """
        SELECT count(*) FROM provisioning_resourcecredential b
        LEFT JOIN credentials_credential c ON c.id = b.credential_id WHERE c.id IS NULL""",
    "credential without binding": """
        SELECT count(*) FROM credentials_credential c WHERE subject LIKE 'resource:%'
        AND NOT EXISTS (SELECT FROM provisioning_resourcecredential b WHERE b.credential_id = c.id)""",
    "credential without values": """
        SELECT count(*) FROM credentials_credential WHERE state <> 'active' OR sealed_values IS NULL""",
    "credential without line": """
        SELECT count(*) FROM credentials_credential c WHERE NOT EXISTS
        (SELECT FROM audit_auditevent a WHERE a.action = 'credential.issued' AND a.object_id = c.id::text)""",
    "line without credential": """
        SELECT count(*) FROM audit_auditevent a WHERE action = 'credential.issued' AND NOT EXISTS
        (SELECT FROM credentials_credential c WHERE c.id::text = a.object_id)""",
}


class Customers:
    """Many PUTs at once; what was answered to each id."""

    def __init__(self, service):
        limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        self.client = httpx2.Client(timeout=TIMEOUT, trust_env=False, limits=limits)
        self.manifold = Manifold(service, self.client)
        self.resource_id = new_id()
        assert self.manifold.put_resource(self.resource_id).status_code == 201
        self.answered, self.refused, self.some = {}, [], threading.Event()

    def put(self, credential_id):
        try:
            response = self.manifold.put_credential(credential_id, self.resource_id)
        except httpx2.TransportError:
            return
        if response.status_code == 201:
            self.answered[credential_id] = response.json()["credentials"]
        else:
            self.refused.append(response)
        if len(self.answered) >= PUTS // 5:
            self.some.set()

    def put_all(self, credential_ids, meanwhile):
        """All of them, ``meanwhile()`` when a fifth has been answered."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = [pool.submit(self.put, credential_id) for credential_id in credential_ids]
            assert self.some.wait(60)
            meanwhile()
        assert all(future.exception() is None for future in done)

    def all_again(self, credential_ids):
        """Ask what each id is answered now; none may be refused."""
        with ThreadPoolExecutor(8) as pool:
            responses = pool.map(lambda id_: self.manifold.put_credential(id_, self.resource_id), credential_ids)
            return {
                id_: response.json()["credentials"] for id_, response in zip(credential_ids, responses, strict=True)
            }


@pytest.fixture(scope="module")
def postgres():
    """A cluster of our own, as durable as in production, to be killed."""
    folder = Path(tempfile.mkdtemp(prefix="credservice-killed-"))
    folder.chmod(0o711)  # run as root, the server's account has to pass through to its own folder
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(postgres):
    """Served on that cluster, with little patience for slow clients."""
    with serving(postgres.url, REQUEST_SECONDS="1") as service:
        yield service


def until_all_connections_are_new(service):
    """A thread learns that its connection is dead by using it: a 503 or none, and then it has a new one."""
    deadline = time.monotonic() + 20
    in_a_row = 0
    while in_a_row < 50:
        assert time.monotonic() < deadline
        in_a_row = in_a_row + 1 if httpx2.get(f"{service.base_url}/readyz").status_code == 200 else 0


def kill(postgres):
    os.kill(postgres.pid, signal.SIGKILL)


def start_again(postgres):
    """Its backends go when they notice; until then a new one refuses to start."""
    postgres.stop()
    deadline = time.monotonic() + 30
    while True:
        try:
            return postgres.start()
        except Refusal:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def kill_and_start(postgres):
    kill(postgres)
    time.sleep(1)
    start_again(postgres)


def halves(service):
    return {name: count for name, statement in HALVES.items() if (count := service.rows(statement)[0][0])}


def test_killing_the_server_among_a_thousand_puts_loses_no_answered_credential(service):
    customers, ids = Customers(service), [new_id() for _ in range(PUTS)]
    customers.put_all(ids, meanwhile=service.restart)
    answered = dict(customers.answered)
    assert PUTS // 5 <= len(answered) < PUTS
    assert [response.status_code for response in customers.refused if response.status_code != 503] == []
    assert halves(service) == {}
    now = customers.all_again(ids)
    assert {id_: now[id_] for id_ in answered} == answered
    assert len({values["BEAR_API_KEY"] for values in now.values()}) == PUTS
    assert halves(service) == {}


def test_killing_the_database_among_a_thousand_puts_loses_no_answered_credential(postgres, service):
    customers, ids = Customers(service), [new_id() for _ in range(PUTS)]
    customers.put_all(ids, meanwhile=lambda: kill_and_start(postgres))
    answered = dict(customers.answered)
    assert PUTS // 5 <= len(answered) < PUTS
    assert halves(service) == {}
    until_all_connections_are_new(service)
    now = customers.all_again(ids)
    assert {id_: now[id_] for id_ in answered} == answered
    assert halves(service) == {}


def test_without_its_database_both_doors_say_503_in_json(postgres, service):
    with httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud, manifold = MindCloud(service, client), Manifold(service, client)
        kill(postgres)
        time.sleep(0.5)
        for response in (mindcloud.exchange(), manifold.put_resource(new_id())):
            assert (response.status_code, response.headers["Content-Type"]) == (503, "application/json")
            assert int(response.headers["Retry-After"]) > 0
        until(lambda: client.get(f"{service.base_url}/readyz").status_code == 503)
        assert client.get(f"{service.base_url}/healthz").status_code == 200
        start_again(postgres)
        until_all_connections_are_new(service)
        assert [mindcloud.exchange().status_code for _ in range(8)] == [200] * 8


def test_silent_clients_do_not_hold_the_service(service):
    """As many as it has threads, each in the middle of a request."""
    clients = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(16)]
    for client in clients:
        client.sendall(b"POST /credential-exchange HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert httpx2.get(f"{service.base_url}/healthz", timeout=10).status_code == 200
    for client in clients:
        client.close()


def test_clients_that_say_nothing_do_not_hold_the_service(service):
    clients = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(64)]
    started = time.monotonic()
    assert httpx2.get(f"{service.base_url}/healthz", timeout=10).status_code == 200
    assert time.monotonic() - started < 2
    for client in clients:
        client.close()


def test_clients_that_do_not_hang_up_do_not_hold_the_service(service):
    """The server waits a while for them to close, lest their answer is lost."""
    clients = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(16)]
    for client in clients:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    started = time.monotonic()
    assert httpx2.get(f"{service.base_url}/healthz", timeout=10).status_code == 200
    assert time.monotonic() - started < 2
    for client in clients:
        client.close()
