"""Runs the connector for the cases: it fails on demand, and tells what came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provisioning.checker.connector.answers import Answer, Call
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.connector.market import Market
from provisioning.checker.connector.routes import Routes
from provisioning.checker.connector.server import Server
from provisioning.checker.connector.tokens import Client, Tokens
from provisioning.checker.messages import Request

Watch = Callable[[Call, Answer], None]


class Connector:
    """Serves the Connector API on a port of the loopback while it is entered.

    `seen` are the calls so far; `watch` is told of every call and its answer.
    """

    def __init__(self, port: int, client: Client, watch: Watch | None = None) -> None:
        self.tokens = Tokens(client)
        self.market = Market()
        self.seen: list[Call] = []
        self._routes = Routes(self.tokens, self.market)
        self._faults: tuple[int, ...] = ()
        self._failing: dict[str, Answer] = {}
        self._watch = watch
        self._server = Server(port, self.answer)

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.port}/v1"

    @property
    def rotations(self) -> dict[str, bytes]:
        """The bodies of the credential rotations that were asked for, by their id."""
        return self._routes.rotations

    def __enter__(self) -> "Connector":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def expect(self, request: Request) -> Callback | None:
        """Await the callback of a request that is about to be sent; None where it names no callback of ours."""
        url, [callback_id] = request.values("x-callback-url"), request.values("x-callback-id") or [""]
        if url != [f"{self.url}/callbacks/{callback_id}"]:
            return None
        with_credentials = request.method == "PUT" and "/credentials/" in request.target
        callback = Callback(callback_id, with_credentials, list(self._faults))
        return self._routes.callbacks.setdefault(callback_id, callback)

    @contextmanager
    def answering_first(self, *statuses: int) -> Iterator[None]:
        """Answer the first attempts of the callbacks of requests sent meanwhile so (0: broken off)."""
        self._faults = statuses
        try:
            yield
        finally:
            self._faults = ()

    @contextmanager
    def failing(self, prefix: str, answer: Answer) -> Iterator[None]:
        """Answer every call whose path starts like this with that."""
        self._failing[prefix] = answer
        try:
            yield
        finally:
            del self._failing[prefix]

    @contextmanager
    def knowing(self, client: Client) -> Iterator[None]:
        """Know the provider by other credentials for a while."""
        usual, self.tokens.client = self.tokens.client, client
        try:
            yield
        finally:
            self.tokens.client = usual

    def answer(self, call: Call) -> Answer:
        """Answer one call of the provider."""
        self.seen.append(call)
        # A copy: a late callback may come in while a case sets or ends a failure.
        failing = [answer for prefix, answer in list(self._failing.items()) if call.path.startswith(prefix)]
        answer = failing[0] if failing else self._routes.answer(call)
        if self._watch is not None:
            self._watch(call, answer)
        return answer
