"""The mixed load of a drill: what partners and the vendor ask, and that they ask again until they are answered.

An act is a function that returns whether it is settled. One that got no answer, or "try again later", is repeated as
its caller would: with the same ids, the same key, the same bytes.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import httpx2

from provisioning.checker.connector import Connector
from tests.drill.asking import Act, Asking, said
from tests.drill.figures import LOST, TWICE, UNEXPECTED, Figures
from tests.drill.ledger import STATIC, EndUser, History, Ledger, Order, Promise
from tests.drill.platform import BROKERED, HOOKED_QUEUE, QUEUE, SLOW_QUEUE, Platform
from tests.e2e.partners import Manifold, MindCloud, new_id
from tests.support.live import LiveService

TIMEOUT = 20.0
THREADS = 8
# The products: made here; made by the vendor's endpoint within the request; and later, with a callback.
LOCAL, HOOKED, SLOW = "bear", "hooked", "slow"
# How many credentials of each product a round orders, by protocol.
ORDERED = ({LOCAL: 3, HOOKED: 3, SLOW: 2}, {QUEUE: 2, HOOKED_QUEUE: 2, SLOW_QUEUE: 2})
# Beside STATIC: made here, and by the vendor.
GENERATED, OUTSIDE = "int_made", "int_hooked"
SET_UP = """
policies:
  drill-key: {{issuer: drill, overlap: 0s, options: {{names: [apiKey]}}}}
  drill-order: {{issuer: drill, options: {{names: [DRILL_KEY]}}}}
platforms:
  mindcloud:
    approve_installations: true
    integrations:
      int_made: {{policy: acme-generated-key, response: {{apiKey: $credential.apiKey}}}}
      int_hooked: {{policy: drill-key, response: {{apiKey: $credential.apiKey}}}}
marketplaces:
  manifold:
    connector_url: {connector}
    client_secret: file:demo/manifold-client-secret
    sign_on_404: refuse
    products:
      hooked: {{policy: drill-order, regions: [all::global], plans: {{ursa-minor: {{}}}}}}
      slow: {{policy: drill-order, regions: [all::global], slow_credentials: true, plans: {{ursa-minor: {{}}}}}}
  platform:
    protocol: osb
    products:
      hooked-queue: {{policy: drill-order, plans: {{small: {{}}}}}}
      slow-queue: {{policy: drill-order, slow_credentials: true, plans: {{small: {{}}}}}}
"""


class Partners(Asking):
    """Everybody who asks: platforms, a marketplace with its connector, and the vendor's backend with its token."""

    def __init__(self, service: LiveService, connector: Connector, token: str, figures: Figures) -> None:
        super().__init__(figures)
        limits = httpx2.Limits(max_connections=2 * THREADS, max_keepalive_connections=2 * THREADS)
        self.client = httpx2.Client(timeout=TIMEOUT, trust_env=False, limits=limits)
        self._mindcloud, self._manifold = MindCloud(service, self.client), Manifold(service, self.client)
        self._api, self._token = f"{service.base_url}/api/v1", token
        self._connector = connector
        self.ledger = Ledger()
        self._platform = Platform(service, self.client, self.ledger, figures)

    # --- the exchange and the vendor's backend -----------------------------------------------------------------------

    def exchange(self, user: EndUser, kind: str = "exchange") -> bool:
        asked = time.monotonic()
        ids = {
            "integrationId": user.integration,
            "installationId": f"install_{user.name}",
            "endUserId": f"enduser_{user.name}",
        }
        answer = self.ask(kind, lambda: self._mindcloud.exchange(**ids))
        if answer is None:
            return False
        if answer.status_code == 200:
            self.ledger.handed_out.append(answer.headers["X-Request-ID"])
            user.history.answered(answer.json()["apiKey"], asked, time.monotonic())
        else:
            self._figures.found(LOST, f"end user {user.name} of {user.integration} is answered {said(answer)}")
        return True

    def import_users(self, values: dict[str, str], users: list[EndUser]) -> Act:
        """Register end users, and enter the values of those whose values are entered."""
        lines = "".join(f"{json.dumps(_row(user, values.get(user.name)))}\n" for user in users)

        def send() -> bool:
            asked = time.monotonic()
            answer = self._call("import", "POST", "/bulk", lines, "application/x-ndjson")
            if answer is None:
                return False
            if answer.status_code != 200 or answer.json()["failed"]:
                self._figures.found(UNEXPECTED, f"an import is answered {answer.status_code}: {answer.text[:500]}")
                return True
            for user in users:
                user.registered = True
                if user.name in values:  # acknowledged: it is what exchanges answer from now on
                    user.history.answered(values[user.name], asked, time.monotonic())
            return True

        return send

    def rotate(self, user: EndUser) -> Act:
        """Rotate what an end user is handed now: one rotation, however often it has to be asked for."""
        key = secrets.token_hex(16)
        found: str | None = None

        def send() -> bool:
            nonlocal found
            found = found or self.current(user)
            if not found:
                return found is not None
            more = {"Idempotency-Key": key}
            answer = self._call("rotation", "POST", f"/credentials/{found}/rotate", "{}", **more)
            if answer is None:
                return False
            if answer.status_code not in (201, 202):
                self._figures.found(UNEXPECTED, f"a rotation for {user.name} is answered {said(answer)}")
                return True
            user.credential = answer.json()["id"]
            return True

        return send

    def current(self, user: EndUser) -> str | None:
        """Return the id of the credential that an end user is handed; None where there is no answer."""
        path = f"/end-users/{user.name}/grants/{user.integration}"
        answer = self._call("look at a grant", "GET", path)
        if answer is None:
            return None
        if answer.status_code != 200 or answer.json()["credential"] is None:
            self._figures.found(LOST, f"the grant of {user.name} for {user.integration} is answered {said(answer)}")
            return ""
        return str(answer.json()["credential"]["id"])

    def _call(
        self, kind: str, method: str, path: str, content: str = "", form: str = "application/json", **more: str
    ) -> httpx2.Response | None:
        headers = {"Authorization": f"Bearer {self._token}"} | more | ({"Content-Type": form} if content else {})
        return self.ask(
            kind, lambda: self.client.request(method, self._api + path, content=content.encode(), headers=headers)
        )

    # --- the marketplaces ---------------------------------------------------------------------------------------------

    def put_resource(self, resource_id: str, product: str) -> bool:
        if product in BROKERED:
            return self._platform.put_resource(resource_id, product)
        answer = self.ask("PUT of a resource", lambda: self._manifold.put_resource(resource_id, product))
        if answer is None:
            return False
        if answer.status_code == 201:
            self.ledger.resources.setdefault(product, []).append(resource_id)
        else:
            self._figures.found(UNEXPECTED, f"PUT of resource {resource_id} is answered {said(answer)}")
        return True

    def put(self, order: Order, kind: str = "PUT") -> bool:
        """Order a credential, or ask for it again."""
        if order.product in BROKERED:
            return self._platform.put(order, f"{kind} of a binding")
        asked, had_gone = time.monotonic(), order.removed
        body = {"id": order.id, "resource_id": order.resource}
        answer, promise = self._order(kind, "PUT", f"/v1/credentials/{order.id}", [order], body)
        if answer is None:
            return False
        if answer.status_code == 201:
            self.ledger.handed_out.append(answer.headers["X-Request-ID"])
            order.history.answered(_text(answer.json()["credentials"]), asked, time.monotonic())
            if had_gone:
                self._figures.found(TWICE, f"credential {order.id} was removed, and is answered again")
        elif answer.status_code == 202:
            promise.given = True
        elif not (order.removing and answer.status_code in (404, 409)):
            self._figures.found(LOST, f"PUT of credential {order.id} is answered {said(answer)}")
        return True

    def delete(self, order: Order) -> Act:
        if order.product in BROKERED:
            return self._platform.delete(order)
        return self._removal("DELETE", f"/v1/credentials/{order.id}", [order])

    def delete_resource(self, resource_id: str, product: str) -> Act:
        """Remove a resource with all that was ordered for it."""
        orders = [order for order in self.ledger.orders if order.resource == resource_id]
        for order in orders:
            order.removing = True
        if product in BROKERED:
            return self._platform.delete_resource(resource_id, product, orders)
        return self._removal("DELETE of a resource", f"/v1/resources/{resource_id}", orders)

    def _removal(self, kind: str, target: str, orders: list[Order]) -> Act:
        """Remove what is there. That it is gone already is a good answer to a repetition, and to no first request."""
        repeated = False

        def send() -> bool:
            nonlocal repeated
            answer, promise = self._order(kind, "DELETE", target, orders)
            first, repeated = not repeated, True
            if answer is None:
                return False
            if answer.status_code == 202:
                promise.given = True
            elif answer.status_code == 204 or (answer.status_code == 404 and not first):
                for order in orders:
                    order.removed = True
            else:
                self._figures.found(LOST, f"DELETE {target} is answered {said(answer)}")
            return True

        return send

    def _order(
        self, kind: str, method: str, target: str, orders: list[Order], body: dict[str, str] | None = None
    ) -> tuple[httpx2.Response | None, Promise]:
        callback_id = new_id()
        url = f"{self._connector.url}/callbacks/{callback_id}"
        headers = (("X-Callback-ID", callback_id), ("X-Callback-URL", url))
        request = self._manifold.signed(method, target, body, *headers)
        callback = self._connector.expect(request)
        assert callback is not None
        # It may be told before the 202 is here, or where that was lost with its process: both are as they should be.
        callback.promised.set()
        promise = Promise(f"{method} {target}", orders, callback)
        self.ledger.promises.append(promise)
        return self.ask(kind, lambda: self._manifold.deliver(request)), promise


def check_history(figures: Figures, what: str, history: History) -> None:
    contradiction = history.contradiction()
    if contradiction:
        figures.found(TWICE, f"{what}: {contradiction}")


@dataclass(frozen=True)
class Planned:
    """One act of a round, and what it is about."""

    act: Act
    about: EndUser | Order | None = None


class Plan:
    """Draws the acts of a round. New objects are used by others once their own round has settled."""

    def __init__(self, partners: Partners, rng: Random) -> None:
        self._partners, self._ledger, self._rng = partners, partners.ledger, rng

    def draw(self) -> list[Planned]:
        """Shuffled, but for those that are to meet: these stand together."""
        groups = [*self._first_exchanges(), *self._rotations()]
        alone = [*self._imports(), *self._exchanges(), *self._removals(), *self._orders(), *self._repeated()]
        groups += [[planned] for planned in alone]
        self._rng.shuffle(groups)
        return [planned for group in groups for planned in group]

    def _imports(self) -> list[Planned]:
        users = [
            EndUser(f"drill-{next(self._ledger.numbers)}", integration) for integration in (STATIC, GENERATED, OUTSIDE)
        ]
        self._ledger.end_users += users
        changed = self._some(1, lambda user: user.is_static)
        values = {user.name: secrets.token_urlsafe(24) for user in (*users, *changed) if user.is_static}
        for user in changed:
            user.changing, user.history.changes = True, user.history.changes + 1
        return [Planned(self._partners.import_users(values, [*users, *changed]))]

    def _first_exchanges(self) -> list[list[Planned]]:
        """Three at once for each end user that has not asked before."""
        new = [user for user in self._ledger.end_users[-40:] if user.registered and not user.history]
        return [[self._exchange(user, "first exchange")] * 3 for user in new]

    def _exchanges(self) -> list[Planned]:
        return [self._exchange(user) for user in self._some(8, lambda user: True)]

    def _exchange(self, user: EndUser, kind: str = "exchange") -> Planned:
        return Planned(lambda: self._partners.exchange(user, kind), user)

    def _rotations(self) -> list[list[Planned]]:
        users = self._some(2, lambda user: not user.is_static)
        for user in users:
            user.changing, user.history.changes = True, user.history.changes + 1
        return [
            [Planned(self._partners.rotate(user), user), self._exchange(user), self._exchange(user)] for user in users
        ]

    def _orders(self) -> list[Planned]:
        acts = []
        for ordered in ORDERED:
            for product, number in ordered.items():
                resources = self._ledger.resources[product]
                orders = [Order(new_id(), self._rng.choice(resources), product) for _ in range(number)]
                self._ledger.orders += orders
                acts += [self._put(order) for order in orders]
            product = self._rng.choice(list(ordered))
            acts.append(Planned(partial(self._partners.put_resource, new_id(), product)))
        return acts

    def _put(self, order: Order, kind: str = "PUT") -> Planned:
        return Planned(lambda: self._partners.put(order, kind), order)

    def _repeated(self) -> list[Planned]:
        return [self._put(order, "PUT again") for order in self._known_orders(6)]

    def _removals(self) -> list[Planned]:
        """Remove credentials, and resources where their product has others left."""
        acts = []
        for ordered in ORDERED:
            product = self._rng.choice(list(ordered))
            others = self._ledger.resources[product]
            if len(others) > 2:
                old = others.pop(self._rng.randrange(len(others)))
                acts.append(Planned(self._partners.delete_resource(old, product)))
        for order in self._known_orders(5):
            order.removing = True
            acts.append(Planned(self._partners.delete(order), order))
        return acts

    def _some(self, number: int, fits: Callable[[EndUser], bool]) -> list[EndUser]:
        known = [user for user in self._ledger.end_users if user.history and not user.changing and fits(user)]
        return self._rng.sample(known, min(number, len(known)))

    def _known_orders(self, number: int) -> list[Order]:
        known = [order for order in self._ledger.orders if order.history and not order.removing]
        return self._rng.sample(known, min(number, len(known)))


def _row(user: EndUser, value: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"external_id": user.name, "end_user_id": f"enduser_{user.name}"}
    return row | ({"grants": [{"integration_id": user.integration, "values": {"apiKey": value}}]} if value else {})


def _text(values: dict[str, str]) -> str:
    return json.dumps(values, sort_keys=True)
