"""DELETE /v1/resources/:id and DELETE /v1/credentials/:id.

What has nothing outside is gone in one transaction. Otherwise the intent is committed first: nothing is handed out any
more, and the resource is ``deprovisioning``. Then the issuers are called. While one cannot be reached, the answer is
an error, and the same request again goes on from there.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from credservice.audit import record
from credservice.credentials.models import Credential, CredentialQuerySet
from credservice.credentials.services import finish_end, revoke
from credservice.exceptions import NotFound
from provisioning.live_keys import Caller
from provisioning.models import Resource, ResourceCredential
from provisioning.services.lookup import no_such_resource

State = Resource.State


def deprovision_resource(*, caller: Caller, resource_id: str) -> None:
    """End a resource and every credential of it. Its row stays, so that its id is not used again.

    Raises NotFound where there is none or none any more, Unavailable while a credential cannot be ended outside.
    """
    with transaction.atomic():
        resource = _locked_resource(caller, resource_id)
        # Bindings before credentials, as the other DELETE does: two that meet wait for each other only one way.
        list(resource.resource_credentials.select_for_update().order_by("pk"))
        unfinished = _revoke(Credential.objects.filter(subject=resource.subject), caller, "resource deprovisioned")
        _set_state(resource, State.DEPROVISIONING if unfinished else State.DEPROVISIONED, caller)
    if unfinished:
        _finish(unfinished, caller)
        with transaction.atomic():
            _set_state(_locked_resource(caller, resource_id), State.DEPROVISIONED, caller)


def deprovision_credential(*, caller: Caller, credential_id: str) -> None:
    """End a credential: its whole line, where it has been rotated. Raises NotFound, and Unavailable as above."""
    with transaction.atomic():
        binding = _locked_binding(caller, credential_id)
        line = Credential.objects.filter(line=binding.credential_id)
        unfinished = _revoke(line, caller, "deprovisioned by the marketplace")
        if not unfinished:
            _end(binding, caller)
    if unfinished:
        _finish(unfinished, caller)
        with transaction.atomic():
            _end(_locked_binding(caller, credential_id), caller)


def _locked_resource(caller: Caller, resource_id: str) -> Resource:
    # The strongest lock: it waits for credentials that are being added, and those that come after see the new state.
    found = (
        Resource.objects.select_for_update()
        .filter(marketplace_id=caller.marketplace_id, partner_id=resource_id)
        .exclude(state=State.DEPROVISIONED)
        .first()
    )
    if found is None:
        raise no_such_resource()
    return found


def _locked_binding(caller: Caller, credential_id: str) -> ResourceCredential:
    bindings = ResourceCredential.objects.select_for_update(of=("self",)).select_related("resource")
    found = bindings.filter(
        marketplace_id=caller.marketplace_id, partner_id=credential_id, deprovisioned_at=None
    ).first()
    if found is None:
        raise NotFound("There is no such credential. It was never created here, or it has been removed.")
    return found


def _revoke(credentials: CredentialQuerySet, caller: Caller, reason: str) -> list[Credential]:
    """End them here; returns those that must be ended outside as well."""
    unended = credentials.unended().lock()
    revoked = [revoke(credential=credential, actor=caller.actor, reason=reason) for credential in unended]
    return [credential for credential in revoked if credential.state in Credential.UNENDED]


def _finish(credentials: Iterable[Credential], caller: Caller) -> None:
    for credential in credentials:
        finish_end(credential, actor=caller.actor)


def _set_state(resource: Resource, state: Resource.State, caller: Caller) -> None:
    if resource.state == state:
        return
    resource.state = state
    if state == State.DEPROVISIONED:
        resource.deprovisioned_at = timezone.now()
        resource.resource_credentials.filter(deprovisioned_at=None).update(deprovisioned_at=resource.deprovisioned_at)
    resource.save(update_fields=["state", "deprovisioned_at"])
    record(
        action=f"resource.{state.value}",
        actor=caller.actor,
        object_type="resource",
        object_id=resource.pk,
        subject=resource.subject,
    )


def _end(binding: ResourceCredential, caller: Caller) -> None:
    binding.deprovisioned_at = timezone.now()
    binding.save(update_fields=["deprovisioned_at"])
    record(
        action="resource_credential.deprovisioned",
        actor=caller.actor,
        object_type="resource_credential",
        object_id=binding.pk,
        subject=binding.resource.subject,
    )
