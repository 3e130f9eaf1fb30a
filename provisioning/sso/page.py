"""What the page of a resource shows."""

from typing import Any

from django.utils import timezone

from provisioning.models import Resource
from provisioning.models.sso import ResourceSession
from provisioning.sso import marketplace as connector
from provisioning.sso import words
from provisioning.sso.credentials import credentials_of
from provisioning.sso.guard import session_ended
from provisioning.sso.marketplace import Failed, Person, Refused
from provisioning.sso.usage import usage_of


def context_of(session: ResourceSession) -> dict[str, Any]:
    """Everything for the template, without any secret. Raises Unauthenticated where the user is no longer let in."""
    resource, now = session.resource, timezone.now()
    return {
        "resource": resource,
        "session": session,
        "people": people_of(session),
        "state": words.STATES.get(resource.state, resource.state),
        "notice": words.NOTICES.get(resource.state, ""),
        "region": words.region_name(resource.region),
        "features": words.chosen_features(resource),
        "credentials": credentials_of(resource),
        "may_reveal": resource.state == Resource.State.ACTIVE,
        "month": f"{now:%B %Y}",
        "usage": usage_of(resource, now),
    }


def people_of(session: ResourceSession) -> list[Person] | None:
    """Who has access, asked with the user's own token; ``None`` where the marketplace does not say.

    Raises Unauthenticated where it says that the token's user may not see the resource (any more).
    """
    marketplace, resource_id = session.resource.marketplace, session.resource.partner_id
    token = session.open_token()
    try:
        return connector.people(marketplace, token, resource_id)
    except Failed:
        return None
    except Refused:
        # The list may be refused for reasons of its own; the resource itself decides.
        try:
            connector.check_access(marketplace, token, resource_id)
        except Refused:
            raise session_ended(session) from None
        except Failed:
            return None
        return None
