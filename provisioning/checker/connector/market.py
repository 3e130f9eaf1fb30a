"""Knows of the resources that the checker has ordered what the marketplace does (Connector API, "Resource")."""

import json
from datetime import UTC, datetime
from typing import Any

from provisioning.checker.connector.answers import Answer, Call, bad_request, not_found
from provisioning.checker.ids import new_id
from provisioning.checker.messages import Reply

USER = {"id": new_id(), "name": "Check Provider", "email": "check-provider@example.com"}
Content = dict[str, Any]


class Market:
    """Resources and credentials as the provider's answers left them."""

    def __init__(self) -> None:
        self.resources: dict[str, Content] = {}
        self._credentials: dict[str, tuple[str, Content]] = {}
        self._measures: dict[str, list[Content]] = {}

    def ordered(self, reply: Reply) -> None:
        """Follow one successful answer of the provider (an outcome by callback included)."""
        kind, _, last = reply.request.target.partition("?")[0].rpartition("/v1/")[2].partition("/")
        if not 200 <= reply.status < 300 or reply.status == 202:
            return
        body = _body(reply.request.body)
        if reply.request.method == "DELETE":
            (self.resources if kind == "resources" else self._credentials).pop(last, None)
        elif kind == "resources" and reply.request.method in ("PUT", "PATCH"):
            self._resource(last, body)
        elif kind == "credentials" and reply.request.method == "PUT":
            self._credential(last, str(body.get("resource_id")), _body(reply.body))

    def _resource(self, resource_id: str, body: Content) -> None:
        known = self.resources.get(resource_id, {"name": "Checked resource", "label": "checked-resource"})
        order: Content = {name: body[name] for name in ("product", "plan", "region", "features") if name in body}
        times = {"created_at": known.get("created_at", _now()), "updated_at": _now()}
        self.resources[resource_id] = {**known, **order, **times, "id": resource_id}

    def _credential(self, credential_id: str, owner: str, content: Content) -> None:
        shown = {"keys": content.get("credentials", {}), "custom_names": {}, "created_on": _now()}
        self._credentials[credential_id] = (owner, shown)

    def answer(self, call: Call, resource_id: str, part: str) -> Answer:
        """Answer GET /resources/:id and its parts, and PUT of its measures."""
        if resource_id not in self.resources:
            raise not_found("Resource")
        if call.method == "PUT":
            return self._measured(call, resource_id)
        found: dict[str, Any] = {
            "": self.resources[resource_id],
            "users": [{**USER, "role": "owner"}],
            "credentials": [shown for owner, shown in self._credentials.values() if owner == resource_id],
            "measures": self._measures.get(resource_id, []),
        }
        return Answer(200, found[part])

    def _measured(self, call: Call, resource_id: str) -> Answer:
        try:
            body = json.loads(call.body)["body"]
            usage = [_measure(label, used) for label, used in body["measures"].items()]
            period = {name: str(body[name]) for name in ("period_start", "period_end")}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise bad_request("the body is no ResourceMeasures") from None
        self._measures[resource_id] = [{**period, "updated_at": _now(), "measures": usage}]
        return Answer(204)


def _body(body: bytes) -> Content:
    """Read JSON; nothing of what a provider should have refused, or answered otherwise."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _measure(label: str, usage: Any) -> Content:
    if not isinstance(usage, int):
        raise TypeError
    feature = {"label": label, "name": label}
    return {"feature": feature, "feature_value": feature, "usage": usage}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
