"""Clients that never pause, and what becomes of each of their requests."""

import contextlib
import socket
import threading
from collections import Counter

ASK = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"


class Load:
    """Half of the clients keep their connection. ``outcomes`` counts statuses, and how connections failed.

    ``refused`` are those that were never let in: nothing had been sent on them.
    """

    def __init__(self, address, path=b"/healthz", clients=8):
        self.outcomes, self.refused = Counter(), 0
        self._address, self._path = address, path
        self._over, self._some = threading.Event(), threading.Semaphore(0)
        self._threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.await_more()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def await_more(self, answers=200):
        for _ in range(answers):
            assert self._some.acquire(timeout=20)

    def _run(self, keeps):
        while not self._over.is_set():
            try:
                client = self._connect()
            except (ConnectionRefusedError, FileNotFoundError):
                self.refused += 1
                self._over.wait(0.02)
                continue
            with client:
                while self._ask(client, keeps) and not self._over.is_set():
                    pass

    def _connect(self):
        family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
        client = socket.socket(family)
        client.settimeout(20)
        try:
            client.connect(self._address)
        except OSError:
            client.close()
            raise
        return client

    def _ask(self, client, keeps):
        """One request; True where another may follow on the same connection."""
        try:
            client.sendall(ASK % (self._path, b"" if keeps else b"Connection: close\r\n"))
            answer = client.recv(65536)
        except OSError as error:
            self.outcomes[type(error).__name__] += 1
            return False
        self.outcomes[int(answer.split(b" ")[1]) if answer else "closed without an answer"] += 1
        self._some.release()
        return keeps and bool(answer) and b"Connection: close" not in answer


@contextlib.contextmanager
def load(service, **how):
    with Load(("127.0.0.1", service.port), **how) as load:
        yield load
