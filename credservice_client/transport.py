"""How a call travels: sent, sent again while that may help, answered or refused."""

import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import stamina

from credservice_client.problems import CredserviceError, NoAnswer, Problem, UnexpectedAnswer, problem_of

__version__ = "0.1.0"
ATTEMPTS = 5
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_log = logging.getLogger("credservice_client")


@dataclass(frozen=True)
class Call:
    """One call, sent as often as needed. What it carries is in no repr: it may hold values."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Reply:
    """``body`` is empty where there is none; ``lines`` are those of NDJSON."""

    status: int
    etag: str
    body: Mapping[str, Any] = field(repr=False)
    lines: Sequence[dict[str, Any]] = field(default=(), repr=False)


class Transport:
    """One service, one token. Safe for several threads."""

    def __init__(
        self, url: str, token: str, *, timeout: float, retry_for: float, insecure: bool, http: httpx2.Client | None
    ) -> None:
        self.url = _checked(url, insecure)
        self.retry_for = retry_for
        self._timeout = timeout
        self._headers = {
            "Authorization": f"Bearer {_checked_token(token)}",
            "Accept": "application/json, application/x-ndjson",
            "User-Agent": f"credservice-client/{__version__}",
        }
        # Neither a proxy of the environment nor a redirect is to see the token, unless the caller's own client says so.
        self._http = http or httpx2.Client(trust_env=False)

    def send(self, call: Call) -> Reply:
        """The answer. Raises :class:`CredserviceError` once asking again helps no more, or ``retry_for`` is over."""
        end = time.monotonic() + self.retry_for

        def may_repeat(error: Exception) -> bool | float:
            if not isinstance(error, CredserviceError) or not error.is_passing:
                return False
            pause = error.retry_after
            _log.info("%s %s: %s", call.method, call.path, error)
            return time.monotonic() < end if pause is None else (pause if time.monotonic() + pause < end else False)

        for attempt in stamina.retry_context(
            on=may_repeat, attempts=ATTEMPTS if self.retry_for > 0 else 1, timeout=self.retry_for or None
        ):
            with attempt:
                return self._attempt(call)
        raise AssertionError("stamina ends with an answer or an error")

    def close(self) -> None:
        self._http.close()

    def _attempt(self, call: Call) -> Reply:
        try:
            answer = self._http.request(
                call.method,
                self.url + call.path,
                params=dict(call.query) or None,
                headers=self._headers | dict(call.headers),
                content=call.content,
                timeout=self._timeout,
                follow_redirects=False,
            )
        except httpx2.RequestError as error:
            # Not chained: the original carries the request, and that the token and the values.
            failure = NoAnswer(f"{call.method} {call.path}: {type(error).__name__}.")
        else:
            return _reply(answer)
        raise failure


def _reply(answer: httpx2.Response) -> Reply:
    if answer.status_code in (204, 304):
        return Reply(answer.status_code, answer.headers.get("ETag", ""), {})
    is_lines = answer.is_success and _media_type(answer) == "application/x-ndjson"
    objects = _objects(answer.content.splitlines() if is_lines else [answer.content])
    if is_lines and objects is not None:
        return Reply(answer.status_code, "", {}, objects)
    if answer.is_success and objects:
        return Reply(answer.status_code, answer.headers.get("ETag", ""), objects[0])
    raise _refusal(answer, objects[0] if objects else None)


def _objects(texts: Iterable[bytes]) -> list[dict[str, Any]] | None:
    """JSON objects; None where one is none."""
    try:
        found = [json.loads(text) for text in texts]
    except (ValueError, RecursionError):
        return None
    return found if all(isinstance(each, dict) for each in found) else None


def _media_type(answer: httpx2.Response) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip()


def _refusal(answer: httpx2.Response, body: dict[str, Any] | None) -> Problem | UnexpectedAnswer:
    pause = _seconds(answer.headers.get("Retry-After", ""))
    if _media_type(answer) == "application/problem+json" and body is not None:
        try:
            return problem_of(answer.status_code, body, pause)
        except (KeyError, TypeError):
            pass
    reason = "is a redirect, and those are not followed" if answer.is_redirect else "is none of the vendor API's"
    return UnexpectedAnswer(answer.status_code, reason, pause)


def _seconds(header: str) -> float | None:
    """The service says seconds; the dates that RFC 9110, 10.2.3 allows as well come from others, and are left."""
    return float(header) if header.isascii() and header.isdigit() else None


def _checked(url: str, insecure: bool) -> str:
    parts = urlsplit(url)
    # A user would be sent in the token's place, and shown with the address.
    is_more = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or is_more:
        raise ValueError("url: give the service's address, such as https://credentials.example.com.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not insecure:
        raise ValueError("url: over http, everybody on the way reads the token. Use https, or say insecure=True.")
    return url.rstrip("/")


def _checked_token(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("token: give a service token, such as cst_v1_...; this is none.")
    return token
