"""Ends resources and their credentials.

What has nothing outside is gone in one transaction. Otherwise the intent is committed first: nothing is handed out any
more, and the resource is ``deprovisioning``. Then the issuers are called. While one cannot be reached, the answer is
an error, and the same request again goes on from there; so does the worker. What takes long is answered later.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Unavailable
from credservice.credentials.models import Credential, CredentialQuerySet
from credservice.credentials.services import finish_end, revoke
from provisioning.caller import Caller
from provisioning.models import Operation, Resource, ResourceCredential
from provisioning.services import events
from provisioning.services.deadline import OutOfTime, in_time
from provisioning.services.deferred import Accepted, ReplyTo, repeated, start, under_way
from provisioning.services.lookup import hold_id, no_such_credential, no_such_resource

State = Resource.State
DEPROVISION = Operation.Verb.DEPROVISION


def deprovision_resource(*, caller: Caller, resource_id: str, reply_to: ReplyTo) -> Accepted | None:
    """End a resource and every credential of it. Its row stays, so that its id is not used again.

    Accepted where it takes long. Raises NotFound where there is none or none any more, Unavailable while a credential
    cannot be ended outside, Conflict while something else is done with it.
    """
    with transaction.atomic():
        resource = _locked_resource(caller, resource_id)
        operation = under_way(resource)
        if operation is not None:
            return repeated(operation, reply_to=reply_to, verb=DEPROVISION)
        # Bindings before credentials, as the other DELETE does: two that meet wait for each other only one way.
        list(resource.resource_credentials.select_for_update().order_by("pk"))
        unfinished = _revoke(Credential.objects.filter(subject=resource.subject), caller, "resource deprovisioned")
        product = resource.product
        is_later = bool(product.provisioner) or (product.slow_credentials and bool(unfinished))
        set_state(resource, State.DEPROVISIONING if unfinished or is_later else State.DEPROVISIONED, caller.actor)
        if is_later:
            return start(caller=caller, reply_to=reply_to, resource=resource, verb=DEPROVISION)
    if unfinished and not _finished_in_time(unfinished, caller, reply_to):
        return _go_on(caller, reply_to, resource)
    if unfinished:
        with transaction.atomic():
            # By its key: the worker, or an equal request, may have called it ended meanwhile, and that is no 404.
            set_state(_locked_again(resource), State.DEPROVISIONED, caller.actor)
    return None


def deprovision_credential(
    *, caller: Caller, credential_id: str, reply_to: ReplyTo, resource_id: str | None = None
) -> Accepted | None:
    """End a credential, of this resource where one is named: its whole line, where it has been rotated.

    Answers and raises like the above.
    """
    with transaction.atomic():
        binding = _locked_binding(caller, credential_id, resource_id)
        resource = binding.resource
        operation = under_way(resource, binding)
        if operation is not None:
            return repeated(operation, reply_to=reply_to, verb=DEPROVISION)
        line = Credential.objects.filter(line=binding.credential_id, subject=resource.subject)
        unfinished = _revoke(line, caller, "deprovisioned by the marketplace")
        if not unfinished:
            end_binding(binding, caller.actor)
        elif resource.product.slow_credentials:
            return start(caller=caller, reply_to=reply_to, resource=resource, binding=binding, verb=DEPROVISION)
    if unfinished and not _finished_in_time(unfinished, caller, reply_to):
        return _go_on(caller, reply_to, resource, binding)
    if unfinished:
        with transaction.atomic():
            rows = ResourceCredential.objects.select_for_update(of=("self",)).select_related("resource")
            end_binding(rows.get(pk=binding.pk), caller.actor)
    return None


def _finished_in_time(credentials: list[Credential], caller: Caller, reply_to: ReplyTo) -> bool:
    try:
        in_time(lambda: _finish(credentials, caller))
    except OutOfTime:
        if not reply_to.is_given:
            raise Unavailable("It is being removed. Try again shortly.", retry_after=10) from None
        return False
    return True


def _go_on(
    caller: Caller, reply_to: ReplyTo, resource: Resource, binding: ResourceCredential | None = None
) -> Accepted:
    """Leave to the worker what this request has begun."""
    with transaction.atomic():
        resource = _locked_again(resource)
        operation = under_way(resource, binding)
        if operation is not None:
            return repeated(operation, reply_to=reply_to, verb=DEPROVISION)
        return start(caller=caller, reply_to=reply_to, resource=resource, binding=binding, verb=DEPROVISION)


def _locked_resource(caller: Caller, resource_id: str) -> Resource:
    # The strongest lock: it waits for credentials that are being added, and those that come after see the new state.
    rows = Resource.objects.select_for_update(of=("self",)).select_related("product")
    rows = rows.filter(marketplace_id=caller.marketplace_id, partner_id=resource_id).exclude(state__in=Resource.ENDED)
    found = rows.first()
    if found is None:
        hold_id(resource_id)  # it may be made at this very moment
        found = rows.all().first()
    if found is None:
        raise no_such_resource()
    return found


def _locked_again(resource: Resource) -> Resource:
    return Resource.objects.select_for_update(of=("self",)).select_related("product").get(pk=resource.pk)


def _locked_binding(caller: Caller, credential_id: str, resource_id: str | None = None) -> ResourceCredential:
    bindings = ResourceCredential.objects.select_for_update(of=("self",)).select_related("resource__product")
    if resource_id is not None:
        bindings = bindings.filter(resource__partner_id=resource_id)
    bindings = bindings.filter(marketplace_id=caller.marketplace_id, partner_id=credential_id, deprovisioned_at=None)
    found = bindings.first()
    if found is None and resource_id is not None:
        _locked_resource(caller, resource_id)  # waits for a credential of it that is made at this very moment
        found = bindings.all().first()
    if found is None:
        raise no_such_credential()
    return found


def _revoke(credentials: CredentialQuerySet, caller: Caller, reason: str) -> list[Credential]:
    """End them here; returns those that must be ended outside as well."""
    unended = credentials.unended().lock()
    revoked = [revoke(credential=credential, actor=caller.actor, reason=reason) for credential in unended]
    return [credential for credential in revoked if credential.state in Credential.UNENDED]


def _finish(credentials: Iterable[Credential], caller: Caller) -> None:
    for credential in credentials:
        finish_end(credential, actor=caller.actor)


def set_state(resource: Resource, state: Resource.State, actor: str) -> None:
    """In the caller's transaction, which has locked the resource."""
    if resource.state == state:
        return
    resource.state = state
    if state == State.DEPROVISIONED:
        resource.deprovisioned_at = timezone.now()
        resource.resource_credentials.filter(deprovisioned_at=None).update(deprovisioned_at=resource.deprovisioned_at)
    resource.save(update_fields=["state", "deprovisioned_at"])
    record(Line.about(resource, f"resource.{state.value}", actor))
    if state == State.DEPROVISIONED:
        events.deprovisioned(resource)


def end_binding(binding: ResourceCredential, actor: str) -> None:
    """In the caller's transaction, which has locked the binding."""
    if binding.deprovisioned_at is not None:
        return
    binding.deprovisioned_at = timezone.now()
    binding.save(update_fields=["deprovisioned_at"])
    record(Line.about(binding, "resource_credential.deprovisioned", actor))
