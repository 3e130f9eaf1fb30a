"""Shows a resource's credentials on its page: masked, until the user asks for one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, NotFound
from credservice.credentials.models import Credential
from provisioning.models import Resource, ResourceSession
from provisioning.sso import sessions

State = Credential.State


@dataclass(frozen=True)
class Shown:
    """One credential. Nothing is opened for it: the names are its policy's."""

    id: UUID
    hint: str
    names: tuple[str, ...]
    state: str
    made_at: datetime
    ends_at: datetime | None

    @property
    def is_usable(self) -> bool:
        return self.state != State.PENDING


def credentials_of(resource: Resource) -> list[Shown]:
    """List those that are active, that a rotation has left good for a while, or that are being made."""
    live = [found for found in _of(resource) if found.state == State.PENDING or found.is_usable()]
    return [_shown(credential) for credential in live]


def reveal(session: ResourceSession, credential_id: UUID, name: str | None) -> dict[str, str]:
    """Open the values of a credential of the session's resource, all of them or the one with this name.

    Raises NotFound where the resource has no such credential or value, Conflict while it may not be used.
    """
    resource = session.resource
    credential = next((found for found in _of(resource) if found.pk == credential_id), None)
    if credential is None:
        raise NotFound("This credential is no longer there. Load the page again.")
    if resource.state != Resource.State.ACTIVE or credential.suspended or not credential.is_usable():
        raise Conflict("This credential cannot be shown now.")
    with transaction.atomic():
        values = credential.open()
        if name is not None and name not in values:
            raise NotFound("This value has another name by now. Show the credential instead.")
        asked, detail = ("revealed", {}) if name is None else ("copied", {"value": name})
        detail["session"] = str(session.pk)
        record(Line.about(credential, f"credential.{asked}", sessions.actor(session), detail, outcome="granted"))
    return values if name is None else {name: values[name]}


def _of(resource: Resource) -> list[Credential]:
    lines = resource.resource_credentials.filter(deprovisioned_at=None).values("credential_id")
    # The subject too: a binding that leads to somebody else's credential shows nothing of it.
    its_own = Credential.objects.filter(line__in=lines, subject=resource.subject)
    found = its_own.filter(state__in=Credential.UNENDED).select_related("policy")
    return list(found.order_by("created_at", "pk"))


def _shown(credential: Credential) -> Shown:
    ends = [end for end in (credential.expires_at, credential.retires_at) if end is not None]
    return Shown(
        id=credential.pk,
        hint=credential.hint,
        names=credential.policy.value_names(),
        state=credential.state,
        made_at=credential.activated_at or credential.created_at,
        ends_at=min(ends, default=None),
    )
