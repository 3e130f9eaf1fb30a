"""Calls the provider for the cases: a method for each call of the API, and set-up that a case asks for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from provisioning.checker import expect
from provisioning.checker.connector import Connector
from provisioning.checker.connector.callbacks import Callback
from provisioning.checker.failures import Failure, NotApplicable
from provisioning.checker.ids import new_id
from provisioning.checker.keys import LiveKey, MasterKey
from provisioning.checker.ledger import Ledger
from provisioning.checker.messages import Reply, Request
from provisioning.checker.order import Order
from provisioning.checker.promises import Promises
from provisioning.checker.signer import sign
from provisioning.checker.transport import Transport

Body = dict[str, Any] | bytes | None


@dataclass(frozen=True)
class Credential:
    id: str
    values: dict[str, str]


class Provider:
    """`order` is what the cases provision, `connector_url` where the callback headers point.

    `promises` waits there for the callback of every 202; without it, a 202 is an answer like any other.
    """

    def __init__(
        self,
        transport: Transport,
        master: MasterKey,
        order: Order,
        connector_url: str,
        promises: Promises | None = None,
    ) -> None:
        self.transport = transport
        self.master = master
        self.live = LiveKey.endorsed_by(master)
        self.order = order
        self.promises = promises
        self._connector_url = connector_url
        self._ledger = Ledger()

    def request(self, method: str, path: str, body: Body = None, *, callback: bool = True) -> Request:
        """Make an unsigned request as the marketplace's client does; a dict is sent as JSON and a line end."""
        callback_id = new_id()
        headers = [("Host", self.transport.host), ("Date", date_header(datetime.now(UTC)))]
        if callback:
            headers.append(("X-Callback-ID", callback_id))
            headers.append(("X-Callback-URL", f"{self._connector_url}/callbacks/{callback_id}"))
        content = json.dumps(body, separators=(",", ":")).encode() + b"\n" if isinstance(body, dict) else body or b""
        if content:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        return Request(method, self.transport.prefix + path, tuple(headers), content)

    def send(self, request: Request) -> Reply:
        """Send as it is, wait for the callback of a 202, and remember what it may have made."""
        reply, callback = self.dispatch(request)
        return self.outcome(reply, callback)

    def dispatch(self, request: Request) -> tuple[Reply, Callback | None]:
        """Send, for the first answer alone and the callback that the request named."""
        callback = self.promises.expect(request) if self.promises else None
        self._ledger.sent(request)
        reply = self.transport.send(request)
        if self.promises and callback:
            self.promises.answered(reply, callback)
        return reply, callback

    def outcome(self, reply: Reply, callback: Callback | None) -> Reply:
        """Return the answer, or for a 202 what its callback made of it."""
        if self.promises and callback and reply.status == 202:
            reply = self.promises.kept(reply, callback)
        self._ledger.answered(reply)
        if self.promises:
            self.promises.connector.market.ordered(reply)
        return reply

    def call(self, method: str, path: str, body: Body = None) -> Reply:
        return self.send(sign(self.request(method, path, body), self.live))

    def put_resource(self, resource_id: str, body: Body = None) -> Reply:
        return self.call("PUT", f"/resources/{resource_id}", self.order.resource(resource_id) if body is None else body)

    def change_plan(self, resource_id: str, body: Body) -> Reply:
        return self.call("PATCH", f"/resources/{resource_id}", body)

    def delete_resource(self, resource_id: str) -> Reply:
        return self.call("DELETE", f"/resources/{resource_id}")

    def put_credential(self, credential_id: str, resource_id: str) -> Reply:
        body = {"id": credential_id, "resource_id": resource_id}
        return self.call("PUT", f"/credentials/{credential_id}", body)

    def delete_credential(self, credential_id: str) -> Reply:
        return self.call("DELETE", f"/credentials/{credential_id}")

    def measures_request(self, resource_id: str, query: dict[str, str]) -> Request:
        """Make it unsigned, and alone without callback headers: it has nothing to finish later."""
        asked = f"?{urlencode(query)}" if query else ""
        return self.request("GET", f"/resources/{resource_id}/measures{asked}", callback=False)

    def measures(self, resource_id: str, query: dict[str, str]) -> Reply:
        return self.send(sign(self.measures_request(resource_id, query), self.live))

    def sso(self, query: dict[str, str], *, path: str = "/sso") -> Reply:
        """Send what the user's browser does, unsigned (Provider API, "Accessing your dashboard")."""
        headers = (("Host", self.transport.host), ("Accept", "text/html"))
        return self.transport.send(Request("GET", f"{self.transport.prefix}{path}?{urlencode(query)}", headers))

    @property
    def connector(self) -> Connector:
        """Give the connector: where the cases that need one are run, there is one."""
        if self.promises is None:
            raise NotApplicable("needs --connector-port")
        return self.promises.connector

    def resource(self) -> str:
        """Provision a resource for this case. Returns its id."""
        resource_id = new_id()
        with _setting_up("a resource to work on"):
            expect.success(self.put_resource(resource_id), 201, 204)
        return resource_id

    def credential(self, resource_id: str) -> Credential:
        """Provision a credential for this case."""
        credential_id = new_id()
        with _setting_up("a credential to work on"):
            return Credential(credential_id, expect.credentials(self.put_credential(credential_id, resource_id)))

    def check_callbacks(self) -> None:
        """Raise Failure where a callback of this case was not as documented."""
        if self.promises:
            self.promises.check()

    def clean_up(self) -> None:
        """Delete what is left of what this case made, newest first."""
        for path in self._ledger.open():
            try:
                self.call("DELETE", path)
            except Failure:
                continue
        self._ledger.close()
        if self.promises:
            self.promises.close()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Paths that the provider did not delete."""
        return self._ledger.left_behind


@contextmanager
def _setting_up(what: str) -> Iterator[None]:
    try:
        yield
    except Failure as failure:
        raise Failure(f"could not set up {what}: {failure.reason}", *failure.replies) from failure


def date_header(moment: datetime) -> str:
    """Write RFC 3339 in UTC, not an HTTP date (Provider API, "Verify the Request Age")."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
