"""Describes calls to the connector, and its answers."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from provisioning.checker.messages import Headers, header_values


@dataclass(frozen=True)
class Call:
    """One request to the connector, as it came."""

    method: str
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.target.partition("?")[2]).items()}

    def header(self, name: str) -> str:
        return ", ".join(header_values(self.headers, name))


@dataclass(frozen=True)
class Answer:
    """`status` 0 breaks the connection off without an answer."""

    status: int
    content: Any = field(default=None, repr=False)

    @property
    def body(self) -> bytes:
        return b"" if self.content is None else json.dumps(self.content).encode() + b"\n"


BROKEN_OFF = 0


class Refusal(Exception):
    """An error of the Connector API (definition `Error`)."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"type": kind, "message": [message]})


class OAuthRefusal(Exception):
    """An error of `POST /oauth/tokens` (definition `OAuthError`, RFC 6749, section 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.answer = Answer(status, {"error": error, "error_description": description})


def bad_request(message: str) -> Refusal:
    return Refusal(400, "bad_request", message)


def not_found(what: str) -> Refusal:
    return Refusal(404, "not_found", f"{what} not found")


def unauthorized(message: str) -> Refusal:
    return Refusal(401, "unauthorized", message)
