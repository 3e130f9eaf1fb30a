"""Checks answers. Each function returns, or raises a Failure that says what is wrong."""

import re
from datetime import datetime
from typing import Any

from provisioning.checker.failures import Deviation, Failure
from provisioning.checker.messages import Reply

# Definition `CredentialResponse`.
CREDENTIAL_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
# Definition `Message`.
SHORTEST_MESSAGE, LONGEST_MESSAGE = 3, 256


def status(reply: Reply, *wanted: int) -> None:
    if reply.status not in wanted:
        expected = " or ".join(str(code) for code in wanted)
        raise Failure(f"expected {expected}, got {reply.outcome}{_hint(reply)}", reply)


def _hint(reply: Reply) -> str:
    if reply.status == 202 and reply.later:
        return " (what cannot be done is refused at once)"
    if reply.status == 202:
        return " (a promise to call back; this case is about a provider that answers at once)"
    if 300 <= reply.status < 400 and reply.request.values("x-signature"):
        return f" (a redirect to {reply.header('location')!r}; the signature holds for the path that was asked)"
    return ""


def json_object(reply: Reply) -> dict[str, Any]:
    """Read the body as a JSON object that is declared as JSON."""
    try:
        content = reply.json()
    except (ValueError, RecursionError):
        raise Failure("the body is not JSON", reply) from None
    if not isinstance(content, dict):
        raise Failure("the body is JSON, but not an object", reply)
    if reply.header("content-type").partition(";")[0].strip().lower() != "application/json":
        raise Failure(f"the Content-Type of a JSON body is {reply.header('content-type')!r}", reply)
    return content


def message(reply: Reply) -> None:
    """Expect a `message` of 3 to 256 characters, which the marketplace shows to its user."""
    text = json_object(reply).get("message")
    if text is None:
        raise Failure("the body has no `message`, which only a 204 may do without", reply)
    if not isinstance(text, str) or not SHORTEST_MESSAGE <= len(text) <= LONGEST_MESSAGE:
        raise Failure(f"`message` must be a text of {SHORTEST_MESSAGE} to {LONGEST_MESSAGE} characters", reply)


def success(reply: Reply, *wanted: int) -> None:
    """Expect one of these, with a message unless it is 204 (the marketplace's client refuses 200, 201, 202 without)."""
    status(reply, *wanted)
    if reply.status != 204:
        message(reply)


def refusal(reply: Reply, wanted: int) -> None:
    """Expect this error, as JSON with a message (Provider API, "Errors")."""
    status(reply, wanted)
    message(reply)


def unauthorized(reply: Reply, *, or_bad_request: bool = False) -> None:
    """Expect 401 and a message. `or_bad_request`: 400 only deviates: the marketplace's Go library answers it here."""
    if or_bad_request and reply.status == 400:
        message(reply)
        raise Deviation("expected 401, got 400 (as the marketplace's Go library answers; its document says 401)", reply)
    refusal(reply, 401)


def credentials(reply: Reply) -> dict[str, str]:
    """Read the values of a 201, the one status that the marketplace's client knows for credentials made at once."""
    status(reply, 201)
    values = json_object(reply).get("credentials")
    if not isinstance(values, dict) or not values:
        raise Failure("`credentials` must be an object with at least one named value", reply)
    for name, value in values.items():
        if not CREDENTIAL_NAME.fullmatch(name):
            raise Failure(f"the credential name {name!r} does not match ^{CREDENTIAL_NAME.pattern}$", reply)
        if not isinstance(value, str):
            raise Failure(f"the value of {name} is no text; credentials become environment variables", reply)
    return values


def same_values(first: dict[str, str], later: dict[str, str], *, when: str) -> None:
    """Expect equal credentials. The reason names the values that differ and shows none."""
    names = sorted(name for name in first.keys() | later.keys() if first.get(name) != later.get(name))
    if names:
        raise Failure(f"{when} has other values for {', '.join(names)}; a repeated request has the same answer")


def measures(reply: Reply, resource_id: str, query: dict[str, str]) -> None:
    """Expect usage of the asked period (definition `ResourceMeasures`), or 204 where nothing is measured yet."""
    status(reply, 200, 204)
    if reply.status == 204:
        return
    content = json_object(reply)
    if content.get("resource_id") != resource_id:
        raise Failure("`resource_id` is not the id of the resource that was asked for", reply)
    for name, asked in query.items():
        _same_moment(reply, name, content.get(name), asked)
    _integers(reply, content.get("measures"))


def _same_moment(reply: Reply, name: str, given: Any, asked: str) -> None:
    # The marketplace's checker compares Go times whole, so the same moment with another offset is another time to it.
    try:
        equal = str(given).endswith("Z") and datetime.fromisoformat(given) == datetime.fromisoformat(asked)
    except (ValueError, TypeError):
        equal = False
    if not equal:
        raise Failure(f"`{name}` must be the moment that was asked for, {asked}", reply)


def _integers(reply: Reply, values: Any) -> None:
    if not isinstance(values, dict):
        raise Failure("`measures` must be an object with a number for each metered feature", reply)
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise Failure(f"the measure of {name!r} is not an integer", reply)
