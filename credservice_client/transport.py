"""Sends calls, again while that may help, until they are answered or refused."""

import json
import logging
import math
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2

from credservice_client.problems import CredserviceError, NoAnswer, Problem, UnexpectedAnswer, problem_of

__version__ = "0.1.0"
ATTEMPTS = 5
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_log = logging.getLogger("credservice_client")


@dataclass(frozen=True)
class Call:
    """One call, sent as often as needed. What it carries is in no repr: it may hold values.

    ``timeout``: seconds of its own to send it and wait, for work that takes long.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float | None = None


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
        """Send a call. Raises :class:`CredserviceError` once asking again helps no more, or ``retry_for`` is over."""
        end, most = time.monotonic() + self.retry_for, float(ATTEMPTS)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(call)
            except CredserviceError as error:
                now, pause = time.monotonic(), _pause(error, attempt)
                if call.timeout and self.retry_for > 0 and error.was_sent and most != math.inf:
                    # What was sent may be worked through all the same, and the next one refused until it is done.
                    end, most = max(end, now + call.timeout), math.inf
                if not error.is_passing or attempt >= most or now + pause >= end:
                    raise
                _log.info("%s %s: %s Again in %.1f s.", call.method, call.path, error, pause)
            time.sleep(pause)

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
                timeout=httpx2.Timeout(call.timeout or self._timeout, connect=self._timeout, pool=self._timeout),
                follow_redirects=False,
            )
        except httpx2.RequestError as error:
            # Not chained: the original carries the request, and that the token and the values.
            was_sent = not isinstance(error, _NOT_SENT)
            why = type(error).__name__ if was_sent else f"{type(error).__name__}, {error}"
            failure = NoAnswer(f"{call.method} {self.url}{call.path}: {why}.")
            failure.was_sent = was_sent
        else:
            return _reply(answer)
        raise failure


def _pause(error: CredserviceError, attempt: int) -> float:
    """Choose the seconds until the next attempt: longer each time, and as many as the service says at least."""
    grown: float = 0.1 * 2 ** min(attempt - 1, 6)
    if error.retry_after is not None:
        return max(error.retry_after, grown)
    return grown + random.random()  # noqa: S311 - no secret: it keeps clients from coming all at once


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
    """Read JSON objects; None where one is none."""
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
    """Read seconds, as the service says them; the dates that RFC 9110, 10.2.3 allows come from others, and are left."""
    return float(header) if header.isascii() and header.isdigit() else None


def _checked(url: str, insecure: bool) -> str:
    parts = urlsplit(url)
    # A user would be sent in the token's place, and shown with the address.
    is_more = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or is_more:
        raise ValueError("url: give the service's address, such as https://credentials.example.com.")
    if parts.path.rstrip("/").endswith("/api/v1"):
        raise ValueError("url: leave /api/v1 out. The client adds it.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not insecure:
        raise ValueError("url: over http, everybody on the way reads the token. Use https, or say insecure=True.")
    return url.rstrip("/")


def _checked_token(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("token: give a service token, such as cst_v1_...; this is none.")
    return token
