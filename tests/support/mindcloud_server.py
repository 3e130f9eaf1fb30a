"""MindCloud's API as the protocol notes have it: each POST creates another user, whatever its externalId."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.http_server import Answer, Received, Server, http_server

API_KEY = "mindcloud-api-key-that-must-never-show"
TOKEN = "mindcloud-browser-token-that-must-never-be-kept"


@dataclass
class MindCloudApi:
    """``faults`` are answered in place of the real answer, first to last; ``late`` after the user is created."""

    users: dict[str, str] = field(default_factory=dict)
    faults: list[Answer] = field(default_factory=list)
    late: list[Answer] = field(default_factory=list)
    url: str = ""
    server: Server | None = None
    gate: threading.Event | None = None
    created: threading.Event = field(default_factory=threading.Event)

    def calls(self, method: str) -> list[Received]:
        assert self.server is not None
        return [request for request in self.server.received if request.method == method]

    def answer(self, request: Received) -> Answer:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return Answer(401, b'{"message": "Wrong key."}')
        if self.faults:
            return self.faults.pop(0)
        if request.method == "POST" and request.path == "/v1/users":
            return self._create(json.loads(request.body))
        user_id = request.path.removeprefix("/v1/users/").removesuffix("/token")
        if request.method == "GET" and user_id in self.users:
            return Answer(body=json.dumps({"token": TOKEN}).encode())
        return Answer(404, b'{"message": "No such user."}')

    def _create(self, content: dict[str, str]) -> Answer:
        user_id = f"enduser_{len(self.users) + 1}"
        self.users[user_id] = content["externalId"]
        self.created.set()
        if self.gate is not None:
            self.gate.wait(5)
        if self.late:
            return self.late.pop(0)
        return Answer(201, json.dumps({"success": True, "data": {"userId": user_id}}).encode())


@contextmanager
def mindcloud_api() -> Iterator[MindCloudApi]:
    api = MindCloudApi()
    with http_server(api.answer) as server:
        api.url, api.server = server.url, server
        yield api


def read_and_hang_up(connection: socket.socket) -> None:
    """Take the request and close: sent, and never answered."""
    connection.recv(65536)
