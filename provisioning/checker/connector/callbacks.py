"""Keeps what came for a callback, and judges it (Connector API, `PUT /callbacks/:id`)."""

import json
from dataclasses import dataclass, field
from threading import Condition, Event
from time import monotonic
from typing import Any

from provisioning.checker.connector.answers import BROKEN_OFF, Answer, bad_request
from provisioning.checker.expect import CREDENTIAL_NAME, LONGEST_MESSAGE, SHORTEST_MESSAGE

STATES = ("done", "error")
FIELDS = {"state", "message", "credentials"}
# How long a callback may overtake its 202 on the wire: a worker of its own may be quicker than the web process.
OVERTAKING_SECONDS = 1.0


@dataclass
class Callback:
    """One `X-Callback-URL` that was sent along, and the attempts that came in for it.

    `faults`: statuses with which the next attempts are answered instead (0 breaks the connection off).
    `problem`: why what came is wrong, for good; `refusals`: why attempts were refused that may be tried again.
    """

    id: str
    with_credentials: bool
    faults: list[int] = field(default_factory=list)
    promised: Event = field(default_factory=Event)
    changed: Condition = field(default_factory=Condition)
    body: bytes | None = field(default=None, repr=False)
    accepted: bool = False
    accepted_at: float = 0.0
    attempts: int = 0
    refusals: list[str] = field(default_factory=list)
    problem: str | None = None

    def attempt(self, content_type: str, body: bytes) -> Answer:
        """Answer an attempt that carried the provider's own token."""
        early = not self.promised.wait(OVERTAKING_SECONDS)
        with self.changed:
            self.attempts += 1
            answer = self._judged(content_type, body, early=early)
            self.changed.notify_all()
            return answer

    def _judged(self, content_type: str, body: bytes, *, early: bool) -> Answer:
        problem = form_problem(content_type, body, with_credentials=self.with_credentials)
        if early:
            problem = "the callback came before its request was answered with 202, or without such an answer"
        if problem is not None:
            self.problem = self.problem or problem
            raise bad_request(problem)
        if self.body is not None and body != self.body:
            self.problem = self.problem or "a repeated callback has another body; repeats must be equal to the byte"
            return Answer(409, {"type": "conflict", "message": ["The callback was received with another body."]})
        self.body = body
        if self.faults:
            return self._failing(self.faults.pop(0))
        self.accepted_at = self.accepted_at or monotonic()
        self.accepted = True
        return Answer(204)

    def _failing(self, status: int) -> Answer:
        how = "broken off" if status == BROKEN_OFF else f"answered with {status}"
        self.refusals.append(f"an attempt was {how} on purpose")
        return Answer(status, None if status == BROKEN_OFF else {"type": "internal", "message": ["On purpose."]})

    def refused(self, why: str) -> None:
        """Note an attempt without a good token."""
        with self.changed:
            self.refusals.append(why)
            self.changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait for an outcome or a problem. False where neither came."""
        with self.changed:
            return self.changed.wait_for(lambda: self.accepted or self.problem is not None, seconds)

    @property
    def content(self) -> dict[str, Any]:
        """The accepted body."""
        content: dict[str, Any] = json.loads(self.body or b"{}")
        return content


def form_problem(content_type: str, body: bytes, *, with_credentials: bool) -> str | None:
    """Say what is wrong with a callback (definition `CallbackResponse`); None where nothing is."""
    if content_type != "application/json":
        return f"the Content-Type of the callback is {content_type!r}; it must be exactly 'application/json'"
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return "the callback's body is not JSON"
    if not isinstance(content, dict):
        return "the callback's body is JSON, but not an object"
    return _fields_problem(content) or _credentials_problem(content, wanted=with_credentials)


def _fields_problem(content: dict[str, Any]) -> str | None:
    unknown = sorted(content.keys() - FIELDS)
    if unknown:
        return f"the callback has fields that are not documented: {', '.join(unknown)}"
    if content.get("state") not in STATES:
        return "the callback's `state` must be 'done' or 'error'"
    text = content.get("message")
    if not isinstance(text, str) or not SHORTEST_MESSAGE <= len(text) <= LONGEST_MESSAGE:
        return f"the callback's `message` must be a text of {SHORTEST_MESSAGE} to {LONGEST_MESSAGE} characters"
    return None


def _credentials_problem(content: dict[str, Any], *, wanted: bool) -> str | None:
    if "credentials" not in content:
        return "the callback has no `credentials`" if wanted and content["state"] == "done" else None
    if not wanted:
        return "the callback has `credentials`; only that of a credential's provisioning may"
    values = content["credentials"]
    if not isinstance(values, dict) or (not values and content["state"] == "done"):
        return "the callback's `credentials` must be an object with at least one named value"
    for name, value in values.items():
        if not CREDENTIAL_NAME.fullmatch(name):
            return f"the callback's credential name {name!r} does not match ^{CREDENTIAL_NAME.pattern}$"
        if not isinstance(value, str):
            return f"the callback's value of {name} is no text; credentials become environment variables"
    return None
