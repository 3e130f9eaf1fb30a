"""The reference provider's product, resources and credentials."""

import re
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from tests.provisioning.checker.reference.calls import Answer, Refusal

ID = re.compile(r"[0-9abcdefghjkmnpqrtuvwxyz]{29}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")
PRODUCT = "bear"
PLANS = ("ursa-minor", "ursa-major")
REGIONS = ("all::global",)
FEATURES: dict[str, type] = {"age": int, "hat_color": str, "ready": bool}

Content = dict[str, Any]


class Store:
    def __init__(self, faults: frozenset[str], *, single: bool) -> None:
        self.faults = faults
        self.single = single
        self.resources: dict[str, Content] = {}
        self.credentials: dict[str, tuple[str, dict[str, str]]] = {}
        self.gone: set[str] = set()

    def put_resource(self, resource_id: str, body: Content) -> Answer:
        self._check_id(resource_id, body)
        self._check_order(body)
        order = {name: body.get(name) for name in ("product", "plan", "region")}
        known = self.resources.get(resource_id)
        if known is not None:
            self._compare(known, order)
            return self.done("repeat", 201, "Your bear is awake already.")
        if resource_id in self.gone and "ids used again" not in self.faults:
            raise Refusal(409, "This id was deprovisioned.")
        self.resources[resource_id] = order
        return self.done("provision", 201, "Your bear is awake.")

    def _compare(self, known: Content, order: Content) -> None:
        if known != order and "conflict ignored" not in self.faults:
            raise Refusal(409, "Another bear has this id.")
        if "repeat is a conflict" in self.faults:
            raise Refusal(409, "This bear is awake already.")

    def _check_id(self, path_id: str, body: Content) -> None:
        if not ID.fullmatch(path_id) and "any id" not in self.faults:
            raise Refusal(400, "This is not an id.")
        if body.get("id") != path_id and "any id in the body" not in self.faults:
            raise Refusal(400, "The ids in path and body differ.")

    def _check_order(self, body: Content) -> None:
        if "unknown fields refused" in self.faults and "user_id" in body:
            raise Refusal(400, "What is a user_id?")
        self._check_choice("product", body, (PRODUCT,))
        self._check_choice("plan", body, PLANS)
        self._check_choice("region", body, REGIONS)
        if "features required" in self.faults and "features" not in body:
            raise Refusal(400, "Select features.")
        for name, value in body.get("features", {}).items():
            if name not in FEATURES and "any feature" not in self.faults:
                raise Refusal(400, "A bear does not have this feature.")
            if not isinstance(value, FEATURES.get(name, object)) and "any feature value" not in self.faults:
                raise Refusal(400, "This is not a value of the feature.")

    def _check_choice(self, name: str, body: Content, choices: tuple[str, ...]) -> None:
        if name not in body and "fields optional" in self.faults:
            return
        value = body.get(name)
        if "types unchecked" in self.faults and not isinstance(value, str):
            raise Refusal(500, "Internal error.")
        if value not in choices and f"any {name}" not in self.faults:
            raise Refusal(400, f"There is no such {name}.")

    def change_plan(self, resource_id: str, body: Content) -> Answer:
        self._check_choice("plan", body, PLANS)
        resource = self._resource(resource_id, "plan change")
        if body.get("plan") == resource["plan"]:
            return self.done("same plan", 200, "It is on this plan.")
        if "plan change forgotten" not in self.faults:
            resource["plan"] = body.get("plan")
        return self.done("plan change", 200, "The plan has changed.")

    def _resource(self, resource_id: str, doing: str) -> Content:
        if resource_id in self.resources:
            return self.resources[resource_id]
        if f"{doing} of anything" in self.faults:
            return {"plan": ""}
        raise Refusal(404, "There is no such bear.")

    def delete_resource(self, resource_id: str) -> Answer:
        if resource_id not in self.resources:
            return self._absent(resource_id)
        del self.resources[resource_id]
        self.gone.add(resource_id)
        for credential_id, (owner, _) in list(self.credentials.items()):
            if owner == resource_id and "credentials outlive" not in self.faults:
                self.delete_credential(credential_id)
        return self.done("deprovision", 204, "The bear is asleep.")

    def put_credential(self, credential_id: str, body: Content) -> Answer:
        if not isinstance(body.get("resource_id"), str) and "fields optional" not in self.faults:
            raise Refusal(400, "Name the resource_id.")
        self._check_id(credential_id, body)
        resource_id = body.get("resource_id", "")
        self._resource(resource_id, "credential")
        owner, values = self.credentials.get(credential_id, ("", None))
        if values is not None and owner != resource_id and "conflict ignored" not in self.faults:
            raise Refusal(409, "Another credential has this id.")
        repeated = values is not None
        if values is None or "new values each time" in self.faults:
            values = self._issue(credential_id, resource_id)
        self.credentials[credential_id] = (resource_id, values)
        name = "secret" if "lower case name" in self.faults else "SECRET"
        answer = self.done("credential", 201, "Take care of it.", credentials={name: values["SECRET"]})
        return replace(answer, repeated=repeated)

    def _issue(self, credential_id: str, resource_id: str) -> dict[str, str]:
        if credential_id in self.gone and "ids used again" not in self.faults:
            raise Refusal(409, "This id was deprovisioned.")
        living = any(owner == resource_id for owner, _ in self.credentials.values())
        if self.single and living and "second credential allowed" not in self.faults:
            raise Refusal(409, "A bear has one credential.")
        return {"SECRET": "honey" if "one secret for all" in self.faults else secrets.token_hex(8)}

    def delete_credential(self, credential_id: str) -> Answer:
        if credential_id not in self.credentials:
            return self._absent(credential_id)
        del self.credentials[credential_id]
        self.gone.add(credential_id)
        return self.done("credential deprovision", 204, "It is revoked.")

    def _absent(self, absent_id: str) -> Answer:
        fault = "deprovisioned again" if absent_id in self.gone else "unknown deprovisioned"
        if fault in self.faults:
            return Answer(204)
        raise Refusal(404, "There is nothing with this id.")

    def measures(self, resource_id: str, query: str) -> Answer:
        self._resource(resource_id, "measures")
        period = {name: values[0] for name, values in parse_qs(query).items()}
        start, end = period.get("period_start", ""), period.get("period_end", "")
        if not (MOMENT.fullmatch(start) and MOMENT.fullmatch(end)) and "any period" not in self.faults:
            raise Refusal(400, "Name the period.")
        if end < start and "any period" not in self.faults:
            raise Refusal(400, "The period ends before it starts.")
        usage = 1.5 if "fractions" in self.faults else 0
        echo = {"period_start": start, "period_end": start if "period not echoed" in self.faults else end}
        return Answer(200, {"resource_id": resource_id, "measures": {"honey": usage}, **echo})

    def done(self, verb: str, status: int, message: str, **more: Any) -> Answer:
        """A success, unless a fault such as "provision answers 200" changes its status."""
        for fault in self.faults:
            if fault.startswith(f"{verb} answers "):
                status = int(fault.rpartition(" ")[2])
        content = None if status == 204 else {"message": message, **more}
        return Answer(status, content, repeated=verb in ("repeat", "same plan"))
