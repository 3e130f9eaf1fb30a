"""Asks the marketplace's connector about its users, for single sign-on (manifold-connector-api.yaml).

Every answer may be anything: what is not as the document has it is told as a failure, and nothing of it is kept.
"""

import re
from typing import Any

import httpx2
import structlog

from credservice.core.exceptions import Unavailable
from credservice.credentials import bulkhead
from provisioning.manifold.connector.calls import ConnectorError, call
from provisioning.manifold.connector.tokens import as_client, client_auth
from provisioning.models import USER_LENGTH, Marketplace
from provisioning.protocols import Failed, Person, Refused
from provisioning.sso.signed_on import Granted

# A person waits: much less than the time that the marketplace itself gives us.
SECONDS = 8.0
PAGE_SECONDS = 4.0
# Several who come at once take turns, and no more threads wait for the connector than for issuers.
PLACE_SECONDS = 1.0
REFUSALS = (400, 401, 403, 404)
LONGEST_TEXT = 255
MOST_PEOPLE = 100
# RFC 6749, appendix A.12; it becomes a header.
_TOKEN = re.compile(r"[\x20-\x7e]{1,4096}")
log = structlog.get_logger(__name__)
_USER_ID = re.compile(rf"[0-9A-Za-z_-]{{1,{USER_LENGTH}}}")


def exchange(marketplace: Marketplace, code: str) -> Granted:
    """Get the user's access token for the code, in exactly one request. Raises Refused or Failed."""
    form = {"grant_type": "authorization_code", "code": code}
    client = client_auth(marketplace)
    content = _content(marketplace, "POST", "/oauth/tokens", good=(200, 201), seconds=SECONDS, form=form, auth=client)
    token, seconds = content.get("access_token"), content.get("expires_in")
    kind = content.get("token_type", "bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or str(kind).lower() != "bearer":
        raise Failed("no bearer token in its answer")
    return Granted(token, seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None)


def check_access(marketplace: Marketplace, token: str, resource_id: str) -> None:
    """Ask whether the token's user may see the resource. Raises Refused or Failed."""
    answer = _answer(marketplace, "GET", f"/resources/{resource_id}", seconds=SECONDS, token=token)
    if answer.status_code == 404 and marketplace.lets_in_forgotten and _is_forgotten(marketplace, resource_id):
        log.warning("sign_on_to_forgotten_resource", marketplace=marketplace.name, resource=resource_id)
        return
    content = _object(answer)
    if content.get("id") != resource_id:
        raise Failed("answered with another resource")


def _is_forgotten(marketplace: Marketplace, resource_id: str) -> bool:
    """Ask with our own token, which may see every resource of ours: 404 means that there is none. Raises Failed."""
    try:
        answer = as_client(
            marketplace, lambda ours: _answer(marketplace, "GET", f"/resources/{resource_id}", token=ours)
        )
    except ConnectorError as error:
        raise Failed(str(error)) from None
    return answer.status_code == 404


def who(marketplace: Marketplace, token: str) -> Person:
    """Describe the token's user, as far as the connector does; nobody in particular where it does not.

    The document lets the user in by the resource alone, so that this is for the trail and the vendor's dashboard.
    """
    try:
        content = _content(marketplace, "GET", "/self", seconds=PAGE_SECONDS, token=token)
    except (Refused, Failed):
        return Person()
    target = content.get("target")
    return _person(target) if content.get("type") == "user" and isinstance(target, dict) else Person()


def people(marketplace: Marketplace, token: str, resource_id: str) -> list[Person]:
    """List who has access to the resource. Raises Refused or Failed."""
    answer = _answer(marketplace, "GET", f"/resources/{resource_id}/users", seconds=PAGE_SECONDS, token=token)
    listed = _json(answer, good=(200,))
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Failed("no list of users in its answer")
    return [_person(entry) for entry in listed[:MOST_PEOPLE]]


def _content(marketplace: Marketplace, method: str, path: str, *, good: tuple[int, ...] = (200,), **parts: Any) -> Any:
    return _object(_answer(marketplace, method, path, **parts), good)


def _object(answer: httpx2.Response, good: tuple[int, ...] = (200,)) -> Any:
    content = _json(answer, good)
    if not isinstance(content, dict):
        raise Failed("no object in its answer")
    return content


def _answer(marketplace: Marketplace, method: str, path: str, **parts: Any) -> httpx2.Response:
    try:
        with bulkhead.place(wait=PLACE_SECONDS):
            return call(marketplace, method, path, **parts)
    except ConnectorError as error:
        raise Failed(str(error)) from None
    except Unavailable:
        raise Failed("too many wait for others already") from None


def _json(answer: httpx2.Response, good: tuple[int, ...]) -> Any:
    if answer.status_code in REFUSALS:
        raise Refused(f"answered {answer.status_code}")
    if answer.status_code not in good:
        raise Failed(f"answered {answer.status_code}")
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise Failed("answered with no JSON") from None


def _person(entry: dict[str, Any]) -> Person:
    user_id = entry.get("id")
    known = isinstance(user_id, str) and _USER_ID.fullmatch(user_id)
    texts = {name: _text(entry.get(name)) for name in ("name", "email", "role")}
    return Person(id=str(user_id) if known else "", **texts)


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) and value.isprintable() else ""
