"""Gathers what the page of a resource shows."""

from typing import Any

from django.utils import timezone

from provisioning.models import Resource, ResourceSession
from provisioning.protocols import Failed, Person, Refused
from provisioning.sso import labels
from provisioning.sso.credentials import credentials_of
from provisioning.sso.guard import session_ended, token_of
from provisioning.sso.usage import usage_of


def context_of(session: ResourceSession) -> dict[str, Any]:
    """Gather all for the template, without any secret. Raises Unauthenticated where the user is no longer let in."""
    resource, now = session.resource, timezone.now()
    return {
        "resource": resource,
        "session": session,
        "people": people_of(session),
        "state": labels.STATES.get(resource.state, resource.state),
        "notice": labels.NOTICES.get(resource.state, ""),
        "region": labels.region_name(resource.region),
        "features": labels.chosen_features(resource),
        "credentials": credentials_of(resource),
        "may_reveal": resource.state == Resource.State.ACTIVE,
        "month": f"{now:%B %Y}",
        "usage": usage_of(resource, now),
    }


def people_of(session: ResourceSession) -> list[Person] | None:
    """List who has access, asked with the user's own token; ``None`` where the marketplace does not say.

    Raises Unauthenticated where it says that the token's user may not see the resource (any more).
    """
    protocol, resource_id = session.resource.marketplace.protocol, session.resource.partner_id
    token = token_of(session)
    try:
        return protocol.people(token, resource_id)
    except Failed:
        return None
    except Refused:
        # The list may be refused for reasons of its own; the resource itself decides.
        try:
            protocol.check_access(token, resource_id)
        except Refused:
            raise session_ended(session) from None
        except Failed:
            return None
        return None
