"""What is sent and what comes back."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from provisioning.checker.masks import masked, printable

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
        """The same request with this header once, in place of any it had."""
        return replace(self, headers=(*self.without_header(name).headers, (name, value)))

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
        """The status, and what came of it where it was a 202."""
        return self.later or str(self.status)

    def header(self, name: str) -> str:
        return ", ".join(header_values(self.headers, name))

    def json(self) -> Any:
        """The body as JSON. ValueError where it is none."""
        return json.loads(self.body)

    @property
    def may_hold_credentials(self) -> bool:
        return self.request.method == "PUT" and "/credentials/" in self.request.target and self.status < 300

    def shown_body(self, *, show_secrets: bool = False) -> str:
        """The body as text for a person, credentials masked unless told otherwise."""
        if self.may_hold_credentials and not show_secrets:
            return masked(self.body)
        return printable(self.body.decode("utf-8", "replace"))

    def excerpt(self) -> str:
        text = " ".join(self.shown_body().split())
        return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 3] + "..."


def header_lines(headers: Iterable[tuple[str, str]]) -> list[str]:
    return [printable(f"{name}: {value}") for name, value in headers]
