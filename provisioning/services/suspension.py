"""Suspends a resource and resumes it, for the vendor's own systems and the console."""

from django.db import transaction

from credservice.audit.state_change import change_state
from credservice.core.exceptions import Conflict
from credservice.credentials.services import set_suspended
from provisioning.models import Resource

State = Resource.State


def suspend_resource(*, resource: Resource, actor: str, why: str = "") -> None:
    """Give it no new credentials, and have its keys check as not good. Repeating it is harmless."""
    _switch(resource, State.ACTIVE, State.SUSPENDED, "suspended", actor, why)


def resume_resource(*, resource: Resource, actor: str, why: str = "") -> None:
    """Give it credentials again, and have its keys check as good. Repeating it is harmless."""
    _switch(resource, State.SUSPENDED, State.ACTIVE, "resumed", actor, why)


def _switch(resource: Resource, source: State, target: State, verb: str, actor: str, why: str) -> None:
    if resource.state == target:
        return
    if resource.state != source:
        raise Conflict(f"This resource is {resource.state}, and cannot be {verb}.")
    with transaction.atomic():
        change_state(obj=resource, field="state", source=(source,), target=target, verb=verb, actor=actor, why=why)
        set_suspended(subject=resource.subject, suspended=target == State.SUSPENDED)
