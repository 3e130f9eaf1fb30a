"""Checks the form of the platform's requests. Fields that the specification does not name are ignored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

from django.http import QueryDict

from credservice.core.exceptions import Invalid
from credservice.core.ids import as_uuid
from provisioning.models import ID_LENGTH, Plan
from provisioning.osb.refusals import MAINTENANCE
from provisioning.refusals import NOT_OFFERED
from provisioning.wording import quoted


@dataclass(frozen=True)
class Offer:
    """Names a service and a plan as the request does."""

    service_id: str
    plan_id: str


@dataclass(frozen=True)
class InstanceOrder:
    service_id: str
    plan_id: str | None  # None: an update that leaves it
    parameters: dict[str, Any] | None  # None: not sent
    maintenance_version: str | None


@dataclass(frozen=True)
class BindingOrder:
    offer: Offer | None  # None: a rotation, which need not name it
    predecessor: str | None


def checked_id(raw: str, kind: str) -> str:
    """Decode an id of the path as it was sent: up to 255 printable characters of any kind. Raises Invalid."""
    try:
        text = unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeError:
        raise Invalid(f"The id of the {kind} is not UTF-8.") from None
    return _id(text, kind)


def _id(text: str, kind: str) -> str:
    if not 1 <= len(text) <= ID_LENGTH or not text.isprintable():
        raise Invalid(f"The id of the {kind} has 1 to {ID_LENGTH} printable characters.")
    return text


def accepts_incomplete(query: QueryDict) -> bool:
    """Read ``accepts_incomplete`` of a query. Raises Invalid for what is neither true nor false."""
    text = query.get("accepts_incomplete", "false")
    if text not in ("true", "false"):
        raise Invalid("accepts_incomplete is true or false.")
    return text == "true"


def queried_offer(query: QueryDict) -> Offer:
    """Read service_id and plan_id of the query of a DELETE. Raises Invalid."""
    service_id, plan_id = query.get("service_id", ""), query.get("plan_id", "")
    if not service_id or not plan_id:
        raise Invalid("The query needs service_id and plan_id.")
    return Offer(service_id, plan_id)


def new_instance(body: Mapping[str, Any]) -> InstanceOrder:
    """Read the body of a provision. Organization and space are required and deprecated: they are not asked for."""
    return InstanceOrder(_text(body, "service_id"), _text(body, "plan_id"), _parameters(body), _maintenance(body))


def changed_instance(body: Mapping[str, Any]) -> InstanceOrder:
    """Read the body of an update: what is absent is not changed. Raises Invalid."""
    plan_id = _text(body, "plan_id") if "plan_id" in body else None
    return InstanceOrder(_text(body, "service_id"), plan_id, _parameters(body), _maintenance(body))


def binding_order(body: Mapping[str, Any]) -> BindingOrder:
    """Read the body of a bind, or of a rotation. Raises Invalid."""
    if _parameters(body):
        raise Invalid("Bindings of this service take no parameters: leave parameters out.", pointer="/parameters")
    if "predecessor_binding_id" in body and "service_id" not in body and "plan_id" not in body:
        return BindingOrder(None, _id(_text(body, "predecessor_binding_id"), "predecessor"))
    offer = Offer(_text(body, "service_id"), _text(body, "plan_id"))
    predecessor = body.get("predecessor_binding_id")
    return BindingOrder(
        offer, None if predecessor is None else _id(_text(body, "predecessor_binding_id"), "predecessor")
    )


def find_plan(marketplace_id: UUID, service_id: str, plan_id: str) -> Plan:
    """Find a plan of the marketplace by the catalogue's ids, with its product. Raises Invalid."""
    service, plan = as_uuid(service_id), as_uuid(plan_id)
    plans = Plan.objects.select_related("product").filter(product__marketplace_id=marketplace_id)
    found = plans.filter(pk=plan, product_id=service).first() if service and plan else None
    if found is None:
        raise Invalid(
            f"The catalogue has no plan {quoted(plan_id)} of a service {quoted(service_id)}. Read it again.",
            code=NOT_OFFERED,
        )
    return found


def check_maintenance(order: InstanceOrder, plan: Plan) -> None:
    """Raise Invalid where the request is for another version of the plan than the catalogue's."""
    if order.maintenance_version not in (None, plan.maintenance_version):
        raise Invalid(
            "The catalogue has another maintenance_info.version of this plan. Read it again.", code=MAINTENANCE
        )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f'The body needs "{name}", a text.', pointer=f"/{name}")
    return value


def _parameters(body: Mapping[str, Any]) -> dict[str, Any] | None:
    parameters = body.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise Invalid('Write "parameters" as a JSON object.', pointer="/parameters")
    return parameters


def _maintenance(body: Mapping[str, Any]) -> str | None:
    info = body.get("maintenance_info")
    if info is None:
        return None
    if not isinstance(info, dict) or not isinstance(info.get("version"), str):
        raise Invalid('Write "maintenance_info" as a JSON object with a version.', pointer="/maintenance_info")
    return str(info["version"])
