"""The loop on a port of its own, with an application of the test's: all of the server but gunicorn's master."""

import contextlib
import socket
import threading

import pytest

from credservice.serving.connections import Budget, Limits
from credservice.serving.loop import Loop

LIMITS = {"body": 1_000_000, "chunked": 65_536}


class Echo:
    """Answers a request with its body; at ``/held``, once it is let go."""

    def __init__(self):
        self.arrived, self.let_go = threading.Semaphore(0), threading.Event()
        self.environs = []

    def __call__(self, environ, start_response):
        self.environs.append(environ)
        if environ["PATH_INFO"] == "/held":
            self.arrived.release()
            assert self.let_go.wait(20)
        body = environ["wsgi.input"].read() or environ["PATH_INFO"].encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture
def echo():
    echo = Echo()
    yield echo
    echo.let_go.set()


class Served:
    def __init__(self, port, long_bodies):
        self.port, self.long_bodies = port, long_bodies

    def connect(self, content=b"", *, little=False):
        """A connection that has sent this; ``little``: with little room for what it does not read."""
        client = socket.socket()
        if little:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(15)
        client.connect(("127.0.0.1", self.port))
        client.sendall(content)
        return client

    def ask(self, content, *, then_end=False):
        """All that is answered to this, until the server closes."""
        with self.connect(content) as client:
            if then_end:
                client.shutdown(socket.SHUT_WR)
            return all_of(client)


def all_of(client):
    return b"".join(iter(lambda: client.recv(65536), b""))


@contextlib.contextmanager
def run_loop(application, *, threads=2, long_bodies=4_000_000, unsent=100_000_000):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    limits = Limits(**LIMITS, long_bodies=Budget(long_bodies), unsent=Budget(unsent))
    loop = Loop(application, [listener], threads, limits)
    loop.start()
    over = threading.Event()

    def tick():
        while not over.wait(0.02):
            loop.tick()

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    yield Served(listener.getsockname()[1], limits.long_bodies)
    loop.stop_listening()
    over.set()
    ticking.join()


@pytest.fixture
def serve():
    """Serve an application for the length of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda application, **how: stack.enter_context(run_loop(application, **how))
