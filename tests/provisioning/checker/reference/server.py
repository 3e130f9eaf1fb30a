"""The reference provider's HTTP: routes, errors, and faults of form."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.provisioning.checker.reference.calls import Answer, Call, Refusal
from tests.provisioning.checker.reference.connecting import ConnectorClient
from tests.provisioning.checker.reference.outbox import Outbox
from tests.provisioning.checker.reference.signatures import Verifier
from tests.provisioning.checker.reference.sso import Sso
from tests.provisioning.checker.reference.store import Store

VERBS = {
    ("PUT", "resources"): "put_resource",
    ("PATCH", "resources"): "change_plan",
    ("DELETE", "resources"): "delete_resource",
    ("PUT", "credentials"): "put_credential",
    ("DELETE", "credentials"): "delete_credential",
}


@dataclass
class Reference:
    store: Store
    verifier: Verifier
    faults: frozenset[str]
    sso: Sso
    outbox: Outbox | None
    url: str = ""

    def answer(self, call: Call) -> Answer:
        try:
            return self._formed(call, self._answer(call))
        except Refusal as refusal:
            return self._formed(call, refusal.answer)

    def _answer(self, call: Call) -> Answer:
        if call.method == "GET" and call.path in ("/v1/sso", "/v1/sso/"):
            return self.sso.answer(call)
        if "acts before it checks" in self.faults:
            answer = self._routed(call)
            self.verifier.check(call)
            return answer
        self.verifier.check(call)
        return self._routed(call)

    def _routed(self, call: Call) -> Answer:
        kind, _, rest = call.path.removeprefix("/v1/").partition("/")
        if call.method == "GET" and kind == "resources" and rest.endswith("/measures"):
            return self.store.measures(rest.removesuffix("/measures"), call.query)
        if kind not in ("resources", "credentials") or not rest:
            raise Refusal(404, "There is no such path.")
        if (call.method, kind) not in VERBS:
            raise Refusal(404 if "404 for 405" in self.faults else 405, "There is no such method here.")
        if self.outbox is not None:
            return self.outbox.answer(call, lambda: self._done(call, kind, rest))
        return self._done(call, kind, rest)

    def _done(self, call: Call, kind: str, rest: str) -> Answer:
        verb = getattr(self.store, VERBS[call.method, kind])
        answer: Answer = verb(rest) if call.method == "DELETE" else verb(rest, self._body(call))
        return answer

    def _body(self, call: Call) -> dict[str, Any]:
        try:
            content = json.loads(call.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Refusal(500 if "broken body breaks" in self.faults else 400, "The body is no JSON object.")
        return content

    def _formed(self, call: Call, answer: Answer) -> Answer:
        """Faults in how every answer, or every error, is written."""
        error = answer.status >= 400
        if "html errors" in self.faults and error:
            return replace(answer, raw=b"<h1>Sorry</h1>", headers={"Content-Type": "text/html"})
        if "redirects" in self.faults and not error:
            return Answer(308, headers={"Location": "/v1/elsewhere"})
        if "text type" in self.faults:
            return replace(answer, headers={"Content-Type": "text/plain"})
        about = "credential message" if call.path.startswith("/v1/credentials/") else "message"
        if answer.content is not None and self.faults & {"no message", f"no {about}"}:
            return replace(answer, content={key: value for key, value in answer.content.items() if key != "message"})
        if answer.content is not None and "short message" in self.faults:
            return replace(answer, content={**answer.content, "message": "ok"})
        return answer


def _handler(reference: Reference) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            answer = reference.answer(Call(self.command, self.path, self.headers, body))
            content = b"" if answer.content is None else json.dumps(answer.content).encode()
            content = content if answer.raw is None else answer.raw
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the tests look at what was answered."""

    return Handler


@contextmanager
def serving(
    trusted: bytes, *faults: str, single: bool = False, connector: str = "", slow: bool = False
) -> Iterator[Reference]:
    """A reference provider on a free port of the loopback, with these faults, that trusts this master key.

    `connector`: the URL of the marketplace's; `slow`: it answers 202 and calls back.
    """
    switched = frozenset(faults)
    client = ConnectorClient(connector)
    store, outbox = Store(switched, single=single), Outbox(client, switched) if slow else None
    reference = Reference(store, Verifier(trusted, switched), switched, Sso(client, switched), outbox)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reference))
    reference.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield reference
    finally:
        if outbox is not None:
            outbox.close()
        server.shutdown()
        thread.join()
        server.server_close()
