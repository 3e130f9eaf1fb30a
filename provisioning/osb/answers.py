"""Writes the answers to a platform about instances, bindings and operations."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from credservice.core.context_templates import fill_template
from credservice.credentials.models import Credential
from credservice.http.views import json_answer
from provisioning.models import Operation, Product, Resource
from provisioning.services import Accepted, Provided

SOON = 2  # seconds until the next poll, where nothing else is known


def accepted(taken: Accepted) -> HttpResponse:
    """Answer 202 to what the worker does."""
    return json_answer({"operation": str(taken.operation.pk), **_dashboard(taken.operation.resource.product)}, 202)


def instance(resource: Resource, *, is_new: bool) -> HttpResponse:
    return json_answer(_dashboard(resource.product), 201 if is_new else 200)


def shown_instance(resource: Resource) -> HttpResponse:
    """Answer what an instance is now."""
    version = resource.plan.maintenance_version
    return json_answer(
        {
            "service_id": str(resource.product_id),
            "plan_id": str(resource.plan_id),
            "parameters": resource.features,
            **_dashboard(resource.product),
            **({"maintenance_info": {"version": version}} if version else {}),
        }
    )


def binding(provided: Provided, shape: Mapping[str, Any]) -> HttpResponse:
    """Answer the credentials in the product's shape, and when they should be replaced."""
    credentials = fill_template(shape, provided.values) if shape else provided.values
    body = {"credentials": credentials, **_metadata(provided.credential)}
    return json_answer(body, 201 if provided.is_new else 200)


def progress(operation: Operation | None) -> HttpResponse:
    """Answer how far an operation is; one that never was is over, since it was done at once."""
    if operation is None:
        return json_answer({"state": "succeeded"})
    if operation.is_live():
        answer = json_answer({"state": "in progress"})
        answer["Retry-After"] = str(_seconds_to(operation.next_attempt_at))
        return answer
    if operation.state == Operation.State.SUCCEEDED:
        return json_answer({"state": "succeeded", "description": operation.message})
    body: dict[str, Any] = {"state": "failed", "description": operation.message or "It was given up."}
    if operation.verb != Operation.Verb.PROVISION:
        # After a plan change that failed all is as it was; of a removal that failed something may be gone.
        body["instance_usable"] = operation.verb == Operation.Verb.CHANGE_PLAN
    if operation.verb == Operation.Verb.CHANGE_PLAN:
        body["update_repeatable"] = True
    return json_answer(body)


def _dashboard(product: Product) -> dict[str, str]:
    return {"dashboard_url": product.dashboard_url} if product.dashboard_url else {}


def _metadata(credential: Credential) -> dict[str, Any]:
    period = credential.policy.rotation_period
    renewal = credential.activated_at + period if credential.activated_at and period else credential.refresh_at
    times = {"expires_at": credential.expires_at, "renew_before": renewal}
    known = {name: _text(moment) for name, moment in times.items() if moment is not None}
    return {"metadata": known} if known else {}


def _text(moment: datetime) -> str:
    """Write a time as the specification has it (ISO 8601, in UTC)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0Z")


def _seconds_to(moment: datetime | None) -> int:
    seconds = (moment - timezone.now()).total_seconds() if moment else 0
    return max(SOON, math.ceil(seconds))


def read_shape(text: str) -> dict[str, Any]:
    shape: dict[str, Any] = json.loads(text)
    return shape
