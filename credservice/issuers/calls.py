"""Calls somebody's endpoint: what may be repeated is repeated, what may not is an answer.

For issuers and probes that speak HTTP. The client is :mod:`credservice.http.outgoing`.
"""

import time
from collections.abc import Iterable, Mapping

import httpx2
import stamina

from credservice.http.outgoing import AddressRefused, AnswerRefused, client
from credservice.http.retry_after import retry_after
from credservice.http.strict_json import parse_object
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.masking import masked

ATTEMPTS = 3
LONGEST_MESSAGE = 160
# Beside 5xx. 409 stands for "being worked on right now" (draft-ietf-httpapi-idempotency-key-header, "Error Scenarios").
ASK_AGAIN = frozenset({408, 409, 425, 429})


def call(
    method: str, url: str, *, seconds: float, headers: Mapping[str, str], content: bytes | None = None
) -> httpx2.Response:
    """The answer of ``url``, whatever its status, unless asking again may bring another one.

    Up to three attempts in ``seconds``, each with half of them; so the request must be one that may be repeated.
    Raises :class:`IssuerUnavailable` after them, :class:`IssueFailed` for an address or answer that is refused.
    """
    end = time.monotonic() + seconds

    def may_retry(error: Exception) -> bool | float:
        if not isinstance(error, _Passing):
            return False
        pause = error.pause
        return pause is None or (pause if time.monotonic() + pause < end else False)

    for attempt in stamina.retry_context(
        on=may_retry, attempts=ATTEMPTS, timeout=seconds, wait_initial=0.1, wait_jitter=0.2
    ):
        with attempt:
            left = min(max(end - time.monotonic(), 0.05), seconds / 2)
            return _attempt(method, url, left, headers, content)
    raise AssertionError("stamina ends with an answer or an error")


class _Passing(IssuerUnavailable):
    """An attempt that may be repeated, after ``pause`` seconds where the server named some."""

    def __init__(self, message: str, pause: int | None = None) -> None:
        super().__init__(message, retry_after=pause or 5)
        self.pause = pause


def _attempt(
    method: str, url: str, seconds: float, headers: Mapping[str, str], content: bytes | None
) -> httpx2.Response:
    host = httpx2.URL(url).host
    try:
        with client(seconds=seconds) as http:
            answer = http.request(method, url, headers=dict(headers), content=content)
    except httpx2.TransportError as error:
        raise _Passing(f"{host} cannot be reached: {error}") from None
    except (AddressRefused, AnswerRefused) as error:
        raise IssueFailed(str(error)) from None
    if answer.status_code >= 500 or answer.status_code in ASK_AGAIN:
        raise _Passing(f"{host} answered {answer.status_code}", retry_after(answer.headers.get("retry-after", "")))
    return answer


def json_object(answer: httpx2.Response) -> dict[str, object]:
    """The JSON object of an answer. Raises ValueError with a sentence."""
    return parse_object(answer.content)


def reason(answer: httpx2.Response, names: Iterable[str], secrets: Iterable[str]) -> str:
    """Why a call was refused, for the trail: the status, and the first of the body's ``names`` that is a text.

    Bounded, on one line, without any of ``secrets``: a server may quote back what it was sent.
    """
    try:
        body = json_object(answer)
    except ValueError:
        body = {}
    said = next((body[name] for name in names if isinstance(body.get(name), str)), "")
    text = masked(str(said), secrets)
    status = f"{answer.url.host} answered {answer.status_code}"
    if answer.is_redirect:
        return f"{status}: redirects are not followed"
    return f"{status}: {text[:LONGEST_MESSAGE].strip()}" if text.strip() else status
