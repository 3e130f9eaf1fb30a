"""Describes requests and their answers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from provisioning.checker.masks import MASK, masked, printable

Headers = tuple[tuple[str, str], ...]
EXCERPT_CHARACTERS = 200


def header_values(headers: Headers, name: str) -> list[str]:
    return [value for given, value in headers if given.lower() == name.lower()]


@dataclass(frozen=True)
class Request:
    """One request exactly as it goes out; `target` is the path with its query, as sent."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        return header_values(self.headers, name)

    def without_header(self, *names: str) -> "Request":
        unwanted = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in unwanted))

    def with_header(self, name: str, value: str) -> "Request":
        """Copy the request with this header once, in place of any it had."""
        return replace(self, headers=(*self.without_header(name).headers, (name, value)))

    def with_hidden(self, name: str) -> "Request":
        """Copy the request for a person to see, without what this header says."""
        return self.with_header(name, MASK) if self.values(name) else self

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True)
class Reply:
    """The provider's answer to `request`. `later`: how it came about, where a callback brought it after a 202."""

    request: Request
    status: int
    headers: Headers
    body: bytes
    later: str = ""

    @property
    def outcome(self) -> str:
        """Show the status, and what came of it where it was a 202."""
        return self.later or str(self.status)

    def header(self, name: str) -> str:
        return ", ".join(header_values(self.headers, name))

    def json(self) -> Any:
        """Read the body as JSON. Raises ValueError where it is none."""
        return json.loads(self.body)

    @property
    def may_hold_credentials(self) -> bool:
        kinds = {"PUT": ("/credentials/", "/service_bindings/"), "GET": ("/service_bindings/",)}
        named = any(kind in self.request.target for kind in kinds.get(self.request.method, ()))
        return named and self.status < 300 and "/last_operation" not in self.request.target

    def shown_body(self, *, show_secrets: bool = False) -> str:
        """Show the body to a person, credentials masked unless told otherwise."""
        if self.may_hold_credentials and not show_secrets:
            return masked(self.body)
        return printable(self.body.decode("utf-8", "replace"))

    def excerpt(self) -> str:
        text = " ".join(self.shown_body().split())
        return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 3] + "..."


def header_lines(headers: Iterable[tuple[str, str]]) -> list[str]:
    return [printable(f"{name}: {value}") for name, value in headers]
