"""Answers the routes of the Connector API."""

import json
import re
from threading import RLock

from provisioning.checker.connector.answers import (
    Answer,
    Call,
    OAuthRefusal,
    Refusal,
    bad_request,
    not_found,
    unauthorized,
)
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.connector.market import USER, Market
from provisioning.checker.connector.tokens import Grant, Tokens
from provisioning.checker.ids import ALPHABET, LENGTH

RESOURCE = re.compile(r"/v1/resources/([^/]+)(?:/(users|credentials|measures))?")
CALLBACK = re.compile(r"/v1/callbacks/([^/]+)")
ROTATION = re.compile(r"/v1/credential-rotations/([^/]+)")
ID = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
SHORTEST_REASON, LONGEST_REASON = 3, 256


class Routes:
    """Answers the provider. `callbacks` are those that were sent along, `rotations` the bodies that were asked for."""

    def __init__(self, tokens: Tokens, market: Market) -> None:
        self.callbacks: dict[str, Callback] = {}
        self.rotations: dict[str, bytes] = {}
        self._tokens = tokens
        self._market = market
        self._lock = RLock()

    def answer(self, call: Call) -> Answer:
        """Answer one call. Callbacks wait for their 202 outside the lock; everything else is in it."""
        try:
            return self._callback(call) or self._locked(call)
        except (Refusal, OAuthRefusal) as refusal:
            return refusal.answer

    def _callback(self, call: Call) -> Answer | None:
        path = CALLBACK.fullmatch(call.path)
        if path is None:
            return None
        _only(call, "PUT")
        callback = self.callbacks.get(path[1])
        try:
            token, _ = self._provider(call)
        except Refusal as refusal:
            if callback is not None:
                callback.refused(str(refusal))
            raise
        if callback is None:
            raise not_found("Callback")
        answer = callback.attempt(call.header("content-type"), call.body)
        if answer.status == 401:
            # A token that has been refused stays refused: only a new one helps.
            self._tokens.revoke(token)
        return answer

    def _locked(self, call: Call) -> Answer:
        with self._lock:
            if call.path == "/v1/oauth/tokens":
                _only(call, "POST")
                return self._tokens.answer(call)
            if call.path == "/v1/self":
                _only(call, "GET")
                return self._self(self._grant(call)[1])
            return self._resource(call) or self._rotation(call)

    def _self(self, grant: Grant) -> Answer:
        if grant.resource_id is None:
            return Answer(200, {"type": "product", "target": {"name": "Checked product", "label": "checked-product"}})
        resources = [self._market.resources[grant.resource_id]] if grant.resource_id in self._market.resources else []
        return Answer(200, {"type": "user", "target": {**USER, "teams": [], "projects": [], "resources": resources}})

    def _resource(self, call: Call) -> Answer | None:
        path = RESOURCE.fullmatch(call.path)
        if path is None:
            return None
        resource_id, part = path[1], path[2] or ""
        _only(call, "GET", *(["PUT"] if part == "measures" else []))
        _, grant = self._grant(call)
        if not ID.fullmatch(resource_id):
            raise bad_request("Invalid Resource ID Provided")
        # 404 and not 401, "to prevent the accidental leakage of private data".
        if grant.resource_id not in (None, resource_id):
            raise not_found("Resource")
        return self._market.answer(call, resource_id, part)

    def _rotation(self, call: Call) -> Answer:
        path = ROTATION.fullmatch(call.path)
        if path is None:
            raise not_found("Page")
        _only(call, "PUT")
        self._provider(call)
        _check_rotation(call.body)
        self.rotations.setdefault(path[1], call.body)
        return Answer(202)

    def _grant(self, call: Call) -> tuple[str, Grant]:
        scheme, _, token = call.header("authorization").partition(" ")
        grant = self._tokens.grant(token)
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("no bearer token")
        if grant is None:
            raise unauthorized("a bearer token that is unknown, expired or refused before")
        return token, grant

    def _provider(self, call: Call) -> tuple[str, Grant]:
        token, grant = self._grant(call)
        if grant.resource_id is not None:
            raise unauthorized("a token that was not granted by client_credentials")
        return token, grant


def _only(call: Call, *methods: str) -> None:
    if call.method not in methods:
        raise Refusal(405, "method_not_allowed", "Method Not Allowed")


def _check_rotation(body: bytes) -> None:
    try:
        content = json.loads(body)
        ids = [ID.fullmatch(content[name]) for name in ("resource_id", "credential_id")]
        length = len(content["reason"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("the body is no CredentialRotationRequest") from None
    if not all(ids) or not SHORTEST_REASON <= length <= LONGEST_REASON:
        raise bad_request("an id or the reason of the rotation is not as documented")
