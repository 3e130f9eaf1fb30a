"""Calls an Open Service Broker for the cases: a method for each call of the API, and set-up that a case asks for."""

import base64
import json
import os
import uuid
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from provisioning.checker import expect
from provisioning.checker.failures import Failure, NotApplicable
from provisioning.checker.messages import Headers, Reply, Request
from provisioning.checker.options import Usage
from provisioning.checker.order import Order
from provisioning.checker.promises import Promises
from provisioning.checker.transport import Transport

VERSION = ("X-Broker-API-Version", "2.17")
POLL_SECONDS, LONGEST_POLL = 0.2, 5.0
ASYNCHRONOUS = {"accepts_incomplete": "true"}

Body = dict[str, Any] | bytes | None


def account_of(options: Mapping[str, Any]) -> tuple[str, str]:
    """Read user and password of the options. Raises Usage where there is none."""
    user = options["user"] or urlsplit(options["url"]).path.removesuffix("/v2").rstrip("/").rpartition("/")[2]
    try:
        file = options["password_file"]
        password = file.read_text().strip() if file else os.environ.get("BROKER_PASSWORD", "")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"the password cannot be read: {error}") from error
    if not user or not password:
        raise Usage("name the platform's --user and --password-file, or set BROKER_PASSWORD")
    return user, password


def new_id() -> str:
    return str(uuid.uuid4())


def at(instance_id: str, binding_id: str | None = None) -> str:
    """Write the path of an instance, or of a binding of it."""
    path = f"/service_instances/{quote(instance_id, safe='')}"
    return path if binding_id is None else f"{path}/service_bindings/{quote(binding_id, safe='')}"


class Broker:
    """``order`` is what the cases provision: names of the catalogue, whose ids ``choose`` finds."""

    promises: Promises | None = None  # nothing is called back
    order: Order

    def __init__(self, transport: Transport, user: str, password: str, *, patience: float) -> None:
        self.transport, self._patience = transport, patience
        self._authorization = basic(user, password)
        self._made: list[tuple[str, dict[str, str]]] = []
        self.left_behind: tuple[str, ...] = ()
        self.service: dict[str, Any] = {}
        self.plan: dict[str, Any] = {}
        self.new_plan: dict[str, Any] = {}

    # --- what is ordered ---------------------------------------------------------------------------------------

    def choose(self, options: Mapping[str, Any]) -> None:
        """Read the catalogue, and find what is ordered in it. Raises Usage, or NoReply."""
        reply = self.get("/catalog")
        if reply.status != 200:
            raise Usage(f"the broker answers {reply.status} to the catalogue: are user and password right?")
        try:
            services = expect.json_object(reply)["services"]
            self.service = _named(services, options["product"], "service")
            self.plan = _named(self.service["plans"], options["plan"], "plan")
        except (Failure, KeyError, TypeError) as error:
            raise Usage(f"the catalogue cannot be read: {error}") from error
        if options["new_plan"]:
            self.new_plan = _named(self.service["plans"], options["new_plan"], "plan")
        elif options["product"] is None:
            self.new_plan = next((plan for plan in self.service["plans"] if plan is not self.plan), {})
        self.order = Order(
            product=self.service["name"],
            plan=self.plan["name"],
            region="",
            features=options["plan_features"],
            new_plan=self.new_plan.get("name"),
        )

    @property
    def described(self) -> str:
        plans = f"plan {self.order.plan}" + (f" to {self.order.new_plan}" if self.order.new_plan else "")
        return f"service {self.order.product}, {plans}"

    def offer(self, **changes: Any) -> dict[str, Any]:
        """Make the body of a provision."""
        return {**self.offer_of(self.plan), **changes}

    def offer_of(self, plan: dict[str, Any]) -> dict[str, Any]:
        body = {"service_id": self.service["id"], "plan_id": plan["id"], "context": {"platform": "check-provider"}}
        body |= {"organization_guid": "check-provider", "space_guid": "check-provider"}
        if plan is self.plan and self.order.features is not None:
            body["parameters"] = self.order.features
        if "maintenance_info" in plan:
            body["maintenance_info"] = {"version": plan["maintenance_info"]["version"]}
        return body

    def binding(self, **changes: Any) -> dict[str, Any]:
        """Make the body of a bind."""
        named = {"service_id": self.service["id"], "plan_id": self.plan["id"]}
        return named | {"bind_resource": {"app_guid": "check-provider"}} | changes

    @property
    def named(self) -> dict[str, str]:
        """Give the query of a delete."""
        return {"service_id": self.service["id"], "plan_id": self.plan["id"]}

    # --- calls -------------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, body: Body = None, query: Mapping[str, str] | None = None, *extra: tuple[str, str]
    ) -> Request:
        headers: Headers = (("Host", self.transport.host), VERSION, ("Authorization", self._authorization), *extra)
        content = json.dumps(body).encode() if isinstance(body, dict) else body or b""
        if content:
            headers = (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(content))))
        asked = f"?{urlencode(query)}" if query else ""
        return Request(method, f"{self.transport.prefix}{path}{asked}", headers, content)

    def send(self, request: Request) -> Reply:
        """Send, and remember what it may have made."""
        path = request.target.partition("?")[0].removeprefix(self.transport.prefix)
        if request.method == "PUT" and path.startswith("/service_instances/"):
            self._made.append((path, self.named))
        return self.transport.send(request)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self.send(self.request("GET", path, None, query))

    def put(self, path: str, body: Body, *, asynchronous: bool = True) -> Reply:
        return self.send(self.request("PUT", path, body, ASYNCHRONOUS if asynchronous else None))

    def patch(self, path: str, body: Body) -> Reply:
        return self.send(self.request("PATCH", path, body, ASYNCHRONOUS))

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self.send(
            self.request("DELETE", path, None, ASYNCHRONOUS | dict(self.named if query is None else query))
        )

    def settled(self, reply: Reply) -> Reply:
        """Return the answer, or for a 202 the last operation's when that is over."""
        if reply.status != 202:
            return reply
        operation = expect.json_object(reply).get("operation")
        path = reply.request.target.partition("?")[0].removeprefix(self.transport.prefix)
        started, asked = monotonic(), {"operation": operation} if isinstance(operation, str) else {}
        while True:
            polled = self.get(f"{path}/last_operation", self.named | asked)
            if polled.status != 200 or state_of(polled) != "in progress":
                return polled
            if monotonic() - started > self._patience:
                raise Failure(f"the operation is still in progress after {self._patience:g} s", reply, polled)
            after = polled.header("retry-after")
            sleep(min(float(after), LONGEST_POLL) if after.isdigit() else POLL_SECONDS)

    def done(self, reply: Reply, *wanted: int) -> Reply:
        """Expect success: one of these at once, or 202 and an operation that succeeds."""
        expect.status(reply, *wanted, 202)
        over = self.settled(reply)
        is_gone = over.status == 410 and reply.request.method == "DELETE"
        if reply.status == 202 and not is_gone:
            expect.status(over, 200)
            if state_of(over) != "succeeded":
                raise Failure(f"the operation ended as {state_of(over)!r}", reply, over)
        return reply

    # --- set-up ------------------------------------------------------------------------------------------------

    def instance(self) -> str:
        """Provision an instance for this case. Returns its id."""
        instance_id = new_id()
        try:
            self.done(self.put(at(instance_id), self.offer()), 200, 201)
        except Failure as failure:
            raise Failure(f"could not set up an instance: {failure.reason}", *failure.replies) from failure
        return instance_id

    def bound(self, instance_id: str, **changes: Any) -> tuple[str, dict[str, Any]]:
        """Bind for this case. Returns the binding's id and the credentials."""
        if not self.is_bindable:
            raise NotApplicable("the plan is not bindable")
        binding_id = new_id()
        return binding_id, self.credentials(at(instance_id, binding_id), self.binding(**changes))

    def credentials(self, path: str, body: Body) -> dict[str, Any]:
        """Bind, fetch where the answer was 202, and return the credentials."""
        reply = self.done(self.put(path, body), 200, 201)
        return credentials_of(self.get(path) if reply.status == 202 else reply)

    @property
    def is_bindable(self) -> bool:
        return bool(self.plan.get("bindable", self.service.get("bindable")))

    def check_callbacks(self) -> None:
        """Nothing is called back."""

    def clean_up(self) -> None:
        """Delete what this case made, the newest first."""
        for path, named in dict(reversed(self._made)).items():
            try:
                over = self.settled(self.delete(path, named))
                gone = over.status in (404, 410) or (over.status == 200)
            except Failure:
                gone = False
            if not gone and not self._was_refused(path):
                self.left_behind += (path,)
        self._made = []

    def _was_refused(self, path: str) -> bool:
        """Tell if there is nothing: a broker may answer 400 to a delete of what it never took."""
        try:
            return self.get(path).status in (400, 404, 410)
        except Failure:
            return False


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def state_of(reply: Reply) -> str:
    """Read the state of a last operation. Raises Failure for one that is none."""
    state = expect.json_object(reply).get("state")
    if state not in ("in progress", "succeeded", "failed"):
        raise Failure("`state` must be one of: in progress, succeeded, failed", reply)
    return str(state)


def credentials_of(reply: Reply) -> dict[str, Any]:
    """Expect credentials as a JSON object: a platform takes no other."""
    expect.status(reply, 200, 201)
    values = expect.json_object(reply).get("credentials")
    if not isinstance(values, dict) or not values:
        raise Failure("`credentials` must be a JSON object with something in it", reply)
    return values


def refused(reply: Reply, *wanted: int, error: str = "") -> None:
    """Expect this refusal, with a JSON object, and this error code where one is documented."""
    expect.status(reply, *wanted)
    content = expect.json_object(reply)
    if error and content.get("error") != error:
        raise Failure(f"`error` must be {error!r}", reply)


def _named(entries: Any, name: str | None, kind: str) -> dict[str, Any]:
    found = [entry for entry in entries if name in (None, entry["name"])]
    if not found:
        raise Usage(f"the catalogue has no {kind} {name}; it has {', '.join(entry['name'] for entry in entries)}")
    first: dict[str, Any] = found[0]
    return first
