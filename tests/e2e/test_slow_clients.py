"""With hundreds of clients connected that dawdle, and no proxy in front, everybody else is answered as ever."""

import contextlib
import socket

import httpx2
import pytest

from tests.e2e.partners import TIMEOUT, MindCloud

MANY = 200
UNFINISHED = b"POST /credential-exchange HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
LONG_IMPORT = b"POST /api/v1/bulk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n{"
READ_NOTHING = b"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20


@contextlib.contextmanager
def connected(service, content):
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", service.port))
            client.sendall(content)
        yield


@pytest.mark.parametrize("content", [UNFINISHED, LONG_IMPORT, READ_NOTHING], ids=["sending", "import", "reading"])
def test_they_hold_nobody_up(live_service, content):
    with connected(live_service, content), httpx2.Client(timeout=TIMEOUT, trust_env=False) as client:
        mindcloud = MindCloud(live_service, client)
        for _ in range(20):
            assert client.get(f"{live_service.base_url}/healthz", timeout=5).status_code == 200
            assert mindcloud.exchange().status_code == 200
