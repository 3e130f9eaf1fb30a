"""Plays the vendor that a webhook issuer calls: it makes credentials and ends them, and knows which of them live."""

import base64
import json
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.http_server import Answer, Received, http_server

LONGEST_SECONDS = 0.03


class Vendor:
    """Serves ``url`` while entered. The same id is the same credential, as docs/issuers/webhook.md asks.

    It takes a moment before it acts, and another before it answers, so that a kill falls between the steps. Requests
    about one credential are done in the order in which they came, also where their sender has gone.
    """

    def __init__(self, rng: Random) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.url = ""
        self._rng = rng
        self._lock = threading.Lock()
        self._of_each: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._made: dict[str, str] = {}
        self._live: set[str] = set()

    @contextmanager
    def serving(self) -> Iterator["Vendor"]:
        with http_server(self._answer) as server:
            self.url = f"{server.url}/credentials"
            yield self

    def environment(self) -> dict[str, str]:
        """The settings that lead here: the issuer ``drill``."""
        backend = "credservice.issuers.webhook.WebhookIssuer"
        options = {"url": self.url, "secrets": ["env:DRILL_SECRET"], "acts": ["revoke"]}
        return {
            "DRILL_SECRET": self.secret,
            "CREDENTIAL_ISSUERS": json.dumps({"drill": {"BACKEND": backend, "OPTIONS": options}}),
        }

    def live(self) -> set[str]:
        with self._lock:
            return set(self._live)

    def make(self, credential_id: str) -> str:
        with self._lock:
            self._live.add(credential_id)
            return self._made.setdefault(credential_id, secrets.token_urlsafe(24))

    def _end(self, credential_id: str) -> None:
        with self._lock:
            self._live.discard(credential_id)

    def _answer(self, request: Received) -> Answer:
        try:
            Webhook(self.secret).verify(request.body, request.headers)
        except WebhookVerificationError:
            return Answer(401)
        message = json.loads(request.body)
        with self._lock:
            turn = self._of_each[message["id"]]
            before, after = self._rng.uniform(0, LONGEST_SECONDS), self._rng.uniform(0, LONGEST_SECONDS)
        with turn:
            time.sleep(before)
            content = self._act(message)
        time.sleep(after)
        return Answer(200, json.dumps(content).encode())

    def _act(self, message: dict[str, object]) -> dict[str, object]:
        credential_id, names = str(message["id"]), message.get("names")
        if message["type"] == "credential.revoke":
            self._end(credential_id)
            return {}
        assert isinstance(names, list)
        return {"values": dict.fromkeys(names, self.make(credential_id))}
