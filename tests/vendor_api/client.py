"""The vendor's backend: a service token, JSON both ways."""

import json
from typing import Any

from credservice.vendor_api.models import Scope
from credservice.vendor_api.tokens import create_token
from tests.conftest import DoorClient

TYPE = "urn:credservice:problem:"


class Vendor:
    """Calls below ``/api/v1``. Headers by keyword: ``Idempotency_Key="k1"``."""

    def __init__(self, client: Any = None, *, scopes: Any = tuple(Scope.values), name: str = "backend") -> None:
        self.client = client or DoorClient(raise_request_exception=False)
        self.token = create_token(name=name, scopes=list(scopes), actor="test")[1]

    def again(self) -> "Vendor":
        """The same token from another connection, for threads."""
        other = object.__new__(Vendor)
        other.client, other.token = DoorClient(raise_request_exception=False), self.token
        return other

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("PUT", path, body, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method,
            f"/api/v1{path}",
            content,
            "application/json" if content else "",
            headers={"Authorization": f"Bearer {self.token}"} | given,
        )

    def all_pages(self, path: str) -> list[Any]:
        """Every item of a list, page by page."""
        items, following = [], path
        while following:
            answer = self.get(following.removeprefix("/api/v1"))
            assert answer.status_code == 200, answer.content
            items += answer.json()["items"]
            following = answer.json()["next"]
        return items


def refused(answer: Any, status: int, code: str, pointer: str | None = None) -> Any:
    """Check a problem document; returns it."""
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, TYPE + code), body
    assert answer["Content-Type"] == "application/problem+json"
    assert (body["status"], body["request_id"]) == (status, answer["X-Request-ID"])
    if pointer is not None:
        assert pointer in [error["pointer"] for error in body["errors"]], body
    return body
