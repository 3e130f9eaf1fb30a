"""The reference provider's slow work: 202 now, and the outcome by callback."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.provisioning.checker.reference.calls import Answer, Call, Refusal
from tests.provisioning.checker.reference.connecting import ConnectorClient

WORK_SECONDS = 0.02
PAUSES = (0.02, 0.05, 0.1, 0.2)


@dataclass
class Operation:
    answer: Answer
    url: str


class Outbox:
    def __init__(self, connector: ConnectorClient, faults: frozenset[str]) -> None:
        self.connector = connector
        self.faults = faults
        self.token: str | None = None
        self._running: dict[tuple[str, str], Operation] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def answer(self, call: Call, do: Callable[[], Answer]) -> Answer:
        """Answer what `do` answers, or 202 where that changed anything: then its answer is the callback's."""
        url, key = call.headers["X-Callback-URL"], (call.method, call.path)
        with self._lock:
            if key in self._running and "repeat refused while running" in self.faults:
                raise Refusal(409, "It is being done.")
            answer = self._done(do)
            if key in self._running:
                self._repeated(key, url)
            elif self._at_once(call, answer):
                return answer
            else:
                self._start(key, Operation(answer, url))
        message = {} if "promise without message" in self.faults else {"message": "We are waking it."}
        return Answer(202, message)

    def _at_once(self, call: Call, answer: Answer) -> bool:
        if "resources at once" in self.faults and call.path.startswith("/v1/resources/"):
            return True
        return answer.repeated and "no-ops queued" not in self.faults

    def _done(self, do: Callable[[], Answer]) -> Answer:
        try:
            return do()
        except Refusal as refusal:
            if "refused by callback" not in self.faults:
                raise
            return refusal.answer

    def _repeated(self, key: tuple[str, str], url: str) -> None:
        if "oldest callback kept" not in self.faults:
            self._running[key].url = url

    def _start(self, key: tuple[str, str], operation: Operation) -> None:
        if "callback before the answer" in self.faults:
            self._call_back(operation.url, operation.answer, key)
            return
        self._running[key] = operation
        self._threads.append(threading.Thread(target=self._work, args=(key,)))
        self._threads[-1].start()

    def _work(self, key: tuple[str, str]) -> None:
        self._closed.wait(0.3 if "slow work" in self.faults else WORK_SECONDS)
        with self._lock:
            operation = self._running.pop(key)
        kind = key[1].split("/")[2]
        if not self.faults & {"no callback", f"no callback for {key[0]} {kind}"}:
            self._call_back(operation.url, operation.answer, key)

    def _call_back(self, url: str, answer: Answer, key: tuple[str, str]) -> None:
        body = self._body(answer, key)
        for pause in PAUSES:
            status = self._put(url, body)
            finished = status == 204 or (400 <= status < 500 and status != 401)
            if finished or "callback sent once" in self.faults or self._closed.wait(pause):
                break
            if status == 401 and "token kept" not in self.faults:
                self.token = None
            if "callback rewritten" in self.faults:
                # The same content, but not the same bytes.
                body = body[:-1] + b" }"
        if "another callback follows" in self.faults:
            self._put(url, body.replace(b"done", b"error"))

    def _body(self, answer: Answer, key: tuple[str, str]) -> bytes:
        done = answer.status < 300
        content = dict(answer.content or {"message": "It is done."}, state="done" if done else "error")
        if "callback state" in self.faults:
            content["state"] = "finished"
        if "callback message" in self.faults:
            content["message"] = "ok"
        if "callback field" in self.faults:
            content["progress"] = 100
        if "callback with credentials" in self.faults:
            content["credentials"] = {"SECRET": "honey"}
        if "callback without credentials" in self.faults:
            content.pop("credentials", None)
        if "callback error" in self.faults and "credentials" in key[1]:
            content = {"state": "error", "message": "The bear did not wake."}
        return b"honey" if "callback no json" in self.faults else json.dumps(content).encode()

    def _put(self, url: str, body: bytes) -> int:
        headers = {"Content-Type": "application/json"}
        if "callback charset" in self.faults:
            headers["Content-Type"] += "; charset=utf-8"
        if "callback without token" not in self.faults:
            self.token = self.token or self.connector.token(grant_type="client_credentials")
            headers["Authorization"] = f"Bearer {self.token}"
        return self.connector.call("PUT", url, headers, body)[0]
