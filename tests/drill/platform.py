"""The part of the load that an Open Service Broker platform asks. What is answered 202 is polled until it is done."""

import json
import time
from typing import Any

import httpx2

from tests.drill.asking import Act, Asking, said
from tests.drill.figures import LOST, PROMISES, TWICE, UNEXPECTED, Figures
from tests.drill.ledger import Ledger, Order
from tests.support.live import LiveService

# The products: bindings made here; made by the vendor's endpoint within the request; and later, polled.
QUEUE, HOOKED_QUEUE, SLOW_QUEUE = "queue", "hooked-queue", "slow-queue"
BROKERED = (QUEUE, HOOKED_QUEUE, SLOW_QUEUE)
PLAN = "small"


class Platform(Asking):
    """Orders from the demonstration's platform, with its password, whatever is slow as well."""

    def __init__(self, service: LiveService, client: httpx2.Client, ledger: Ledger, figures: Figures) -> None:
        super().__init__(figures)
        self._root = f"{service.base_url}/osb/platform/v2"
        self._auth = httpx2.BasicAuth("platform", service.secret("platform-password"))
        self._client, self._ledger = client, ledger
        self._offers: dict[str, dict[str, str]] = {}

    def put_resource(self, resource_id: str, product: str) -> bool:
        offer = self._offer(product)
        answer = self._call("PUT of an instance", "PUT", _instance(resource_id), body=offer) if offer else None
        if answer is None:
            return False
        if answer.status_code in (200, 201):
            self._ledger.resources.setdefault(product, []).append(resource_id)
        else:
            self._figures.found(UNEXPECTED, f"PUT of instance {resource_id} is answered {said(answer)}")
        return True

    def put(self, order: Order, kind: str) -> bool:
        """Bind, or ask for it again."""
        if order.operation:
            return self._fetch(order)
        asked, had_gone = time.monotonic(), order.removed
        offer = self._offer(order.product)
        answer = self._call(kind, "PUT", _binding(order), body=offer) if offer else None
        if answer is None:
            return False
        if answer.status_code == 202:
            order.operation = answer.json()["operation"]
            return self._fetch(order)
        self._take(order, answer, asked, had_gone)
        return True

    def delete(self, order: Order) -> Act:
        return self._removal("DELETE of a binding", _binding(order), order.product, [order])

    def delete_resource(self, resource_id: str, product: str, orders: list[Order]) -> Act:
        return self._removal("DELETE of an instance", _instance(resource_id), product, orders)

    def _fetch(self, order: Order) -> bool:
        """Poll a binding that is being made, and fetch it when it is there."""
        state = self._state(_binding(order), order.operation)
        if state in (None, "in progress"):
            return False
        if state == "succeeded":
            asked, had_gone = time.monotonic(), order.removed
            answer = self._call("GET of a binding", "GET", _binding(order))
            if answer is None:
                return False
            self._take(order, answer, asked, had_gone)
        elif not order.removing:
            self._figures.found(PROMISES, f"the binding {order.id} is polled as {state}")
        order.operation = ""
        return True

    def _take(self, order: Order, answer: httpx2.Response, asked: float, had_gone: bool) -> None:
        if answer.status_code in (200, 201):
            self._ledger.handed_out.append(answer.headers["X-Request-ID"])
            values = json.dumps(answer.json()["credentials"], sort_keys=True)
            order.history.answered(values, asked, time.monotonic())
            if had_gone:
                self._figures.found(TWICE, f"the binding {order.id} was removed, and is answered again")
        elif not (order.removing and answer.status_code in (404, 409)):
            self._figures.found(LOST, f"the binding {order.id} is answered {said(answer)}")

    def _removal(self, kind: str, path: str, product: str, orders: list[Order]) -> Act:
        """Remove what is there. That it is gone already is a good answer to a repetition, and to no first request."""
        repeated, operation = False, ""

        def send() -> bool:
            nonlocal repeated, operation
            if operation:
                return self._ended(path, orders, self._state(path, operation))
            offer = self._offer(product)
            if offer is None:
                return False
            answer = self._call(kind, "DELETE", path, offer)
            first, repeated = not repeated, True
            if answer is None:
                return False
            if answer.status_code == 202:
                operation = answer.json()["operation"]
                return False
            is_gone = answer.status_code == 200 or (answer.status_code == 410 and not first)
            return self._ended(path, orders, "succeeded" if is_gone else said(answer))

        return send

    def _ended(self, path: str, orders: list[Order], state: str | None) -> bool:
        if state in (None, "in progress"):
            return False
        if state == "succeeded":
            for order in orders:
                order.removed = True
        else:
            self._figures.found(LOST, f"the removal of {path} is answered {state}")
        return True

    def _state(self, path: str, operation: str) -> str | None:
        """Poll once. None where there was no answer."""
        answer = self._call("poll", "GET", f"{path}/last_operation", {"operation": operation})
        if answer is None:
            return None
        return str(answer.json()["state"]) if answer.status_code == 200 else said(answer)

    def _offer(self, product: str) -> dict[str, str] | None:
        """Tell a product's ids by the catalogue. None where there was no answer yet."""
        if not self._offers:
            answer = self._call("catalogue", "GET", "/catalog")
            if answer is None:
                return None
            self._offers = {
                service["name"]: {"service_id": service["id"], "plan_id": plan["id"]}
                for service in answer.json()["services"]
                for plan in service["plans"]
                if plan["name"] == PLAN
            }
        return self._offers[product]

    def _call(
        self, kind: str, method: str, path: str, query: dict[str, str] | None = None, body: Any = None
    ) -> httpx2.Response | None:
        return self.ask(kind, lambda: self._send(method, path, query, body))

    def _send(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> httpx2.Response:
        query = (query or {}) | ({} if method == "GET" else {"accepts_incomplete": "true"})
        headers = {"X-Broker-API-Version": "2.17"}
        return self._client.request(
            method, self._root + path, params=query, json=body, headers=headers, auth=self._auth
        )


def _instance(resource_id: str) -> str:
    return f"/service_instances/{resource_id}"


def _binding(order: Order) -> str:
    return f"{_instance(order.resource)}/service_bindings/{order.id}"
