"""Leaves scheduled rotations to the platform: it keeps the values, and ``renew_before`` has told it when."""

from django.db import transaction

from credservice.audit import Line, record
from credservice.credentials.models import Credential
from provisioning.models import ResourceCredential
from provisioning.osb import PROTOCOL


def leave_scheduled(credential: Credential) -> bool:
    """Leave a platform's binding as it is. For :func:`credservice.credentials.hooks.register_taker`.

    Rotated in place, the applications of the platform would go on with the old values until those end. The platform
    makes a successor by ``predecessor_binding_id``, and removes this one.
    """
    bindings = ResourceCredential.objects.filter(credential_id=credential.line)
    binding = bindings.filter(marketplace__protocol_name=PROTOCOL).select_related("resource").first()
    if binding is None:
        return False
    with transaction.atomic():
        if Credential.objects.filter(pk=credential.pk, rotates_at__isnull=False).update(rotates_at=None):
            record(Line.about(binding, "resource_credential.due_for_rotation", "schedule"))
    return True
