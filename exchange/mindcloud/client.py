"""Makes the two calls of MindCloud's API, and tells what may be concluded from how each went."""

import json
from collections.abc import Mapping
from urllib.parse import quote

import httpx2

from credservice.core.exceptions import Conflict, ServiceError, Unavailable
from credservice.core.names import fault_of_name
from credservice.crypto import SealError
from credservice.http.outgoing import NOT_SENT, AddressRefused, AnswerRefused, check_header_secret, client
from credservice.http.retry_after import retry_after
from credservice.issuers.base import IssueFailed, IssuerUnavailable
from credservice.issuers.calls import call, json_object, reason
from exchange.models import MAX_ID, Platform

SECONDS = 10.0
MAX_TOKEN = 16 * 1024
_MESSAGES = ("message", "error", "detail")


class NotSetUp(Conflict):
    code = "mindcloud_not_set_up"


class Refused(ServiceError):
    """MindCloud said no, or something that is no answer. Nothing was created."""

    status, code = 502, "mindcloud_refused"


class NotUnderstood(Refused):
    """A success of another form than MindCloud's documents have."""

    code = "mindcloud_not_understood"


class Away(Unavailable):
    """MindCloud cannot be reached, or asks for patience. Nothing was created."""

    code = "mindcloud_unavailable"


class OutcomeUnknown(Exception):
    """The request was sent, and MindCloud may have created the end user. The text tells how it went."""


def create_user(platform: Platform, content: Mapping[str, str]) -> str:
    """Create a user by ``POST /v1/users``, and return its id. Sent once: MindCloud creates another for each request.

    Raises :class:`Refused`, :class:`Away` or :class:`NotSetUp` where none was created, :class:`OutcomeUnknown`.
    """
    url, headers = _address(platform, "/v1/users"), _headers(platform)
    try:
        with client(seconds=SECONDS) as http:
            answer = http.post(url, headers=headers, content=json.dumps(dict(content)).encode())
    except NOT_SENT as error:
        raise Away(f"MindCloud cannot be reached: {error}.", retry_after=5) from None
    except AddressRefused as error:
        raise Refused(f"{error}.") from None
    except (httpx2.TransportError, AnswerRefused) as error:
        raise OutcomeUnknown(f"no usable answer: {error}") from None
    if answer.status_code == 429:
        raise _patience(answer)
    if answer.status_code >= 500 or answer.status_code == 408:
        raise OutcomeUnknown(f"it answered {answer.status_code}")
    if not answer.is_success:
        raise Refused(f"MindCloud refused to create the end user: {_reason(platform, answer)}.")
    return _user_id(platform, answer)


def mint_token(platform: Platform, user_id: str) -> str:
    """Ask ``GET /v1/users/:userId/token``, again where that may help. Raises Refused, Away or NotSetUp."""
    url = _address(platform, f"/v1/users/{quote(user_id, safe='')}/token")
    try:
        answer = call("GET", url, seconds=SECONDS, headers=_headers(platform))
    except IssuerUnavailable as error:
        raise Away(f"MindCloud has no token now: {error}.", retry_after=error.retry_after) from None
    except IssueFailed as error:
        raise Refused(f"MindCloud's answer is refused: {error}.") from None
    if not answer.is_success:
        raise Refused(f"MindCloud refused a token: {_reason(platform, answer)}.")
    try:
        token = json_object(answer).get("token")
    except ValueError:
        token = None
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN:
        raise NotUnderstood('MindCloud answered a success that is not {"token": "..."}.')
    return token


def _user_id(platform: Platform, answer: httpx2.Response) -> str:
    try:
        body = json_object(answer)
    except ValueError:
        raise OutcomeUnknown("it answered a success that cannot be read") from None
    if body.get("success") is False:
        raise Refused(f"MindCloud did not create the end user: {_reason(platform, answer)}.")
    data = body.get("data")
    user_id = data.get("userId") if isinstance(data, dict) else None
    if not isinstance(user_id, str) or not 0 < len(user_id) <= MAX_ID or fault_of_name(user_id):
        raise OutcomeUnknown("it answered a success without data.userId")
    return user_id


def _address(platform: Platform, path: str) -> str:
    if not platform.api_url or platform.sealed_api_key is None:
        raise NotSetUp(f"Platform {platform.name} has no API URL and key of MindCloud: set them in the console.")
    return platform.api_url.rstrip("/") + path


def _headers(platform: Platform) -> dict[str, str]:
    return {"Authorization": f"Bearer {_key(platform)}", "Content-Type": "application/json"}


def _key(platform: Platform) -> str:
    try:
        key = platform.open_api_key()
        check_header_secret(key)
        return key
    except ValueError as error:  # entered before keys were checked
        raise NotSetUp(f"The MindCloud API key of platform {platform.name} {error}: enter it again.") from None
    except SealError:
        raise Away("MindCloud's API key cannot be opened right now.", retry_after=30) from None


def _patience(answer: httpx2.Response) -> Away:
    seconds = retry_after(answer.headers.get("retry-after", "")) or 5
    return Away("MindCloud asks for patience: too many requests.", retry_after=seconds)


def _reason(platform: Platform, answer: httpx2.Response) -> str:
    return reason(answer, _MESSAGES, [_key(platform)]).rstrip(".")  # a sentence of ours goes on behind it
