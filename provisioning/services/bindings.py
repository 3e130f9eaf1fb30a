"""What one PUT of a credential has to know, in one query; and the row that binds the credential to its resource."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, connection
from django.utils import timezone

from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.live_keys import Caller
from provisioning.models import Resource, ResourceCredential
from provisioning.rows import Columns, split

_RESOURCE = Columns(Resource, "resource")
_POLICY = Columns(CredentialPolicy, "policy")
_BINDING = Columns(ResourceCredential, "binding")
_CREDENTIAL = Columns(Credential, "credential")

# Of a line, the active credential is what is handed out; where there is none, the newest tells why.
_FIND = f"""
SELECT {_RESOURCE.sql}, {_POLICY.sql}, {_BINDING.sql}, {_CREDENTIAL.sql}, product.label, plan.label,
       product.slow_credentials,
       EXISTS (SELECT FROM provisioning_resourcecredential other
               WHERE other.resource_id = resource.id AND other.deprovisioned_at IS NULL
                 AND other.partner_id <> %(credential)s)
FROM provisioning_resource resource
JOIN provisioning_product product ON product.id = resource.product_id
JOIN provisioning_plan plan ON plan.id = resource.plan_id
JOIN credentials_credentialpolicy policy ON policy.id = product.policy_id
LEFT JOIN provisioning_resourcecredential binding
       ON binding.marketplace_id = resource.marketplace_id AND binding.partner_id = %(credential)s
LEFT JOIN LATERAL (
    SELECT * FROM credentials_credential line WHERE line.line = binding.credential_id
    ORDER BY line.state = 'active' DESC, line.created_at DESC LIMIT 1
) credential ON true
WHERE resource.marketplace_id = %(marketplace)s AND resource.partner_id = %(resource)s
"""  # noqa: S608 - names of columns, from the models
# The lock waits for a DELETE or a suspension that is under way, and those wait for it: so the credential is either
# ended or suspended with its resource, or not made. The foreign key's own lock would let a suspension pass.
_BIND = """
INSERT INTO provisioning_resourcecredential
    (id, marketplace_id, partner_id, resource_id, credential_id, is_exclusive, created_at)
SELECT %s, marketplace_id, %s, id, %s, %s, %s FROM provisioning_resource
WHERE id = %s AND state = 'active' FOR SHARE
"""
_CONSTRAINTS = ("provisioning_credential_id", "provisioning_credential_exclusive")


@dataclass(frozen=True)
class Found:
    """A resource with what it was ordered as; and the credential that already has the id, where one has."""

    resource: Resource
    policy: CredentialPolicy
    binding: ResourceCredential | None
    credential: Credential | None
    product: str
    plan: str
    is_slow: bool
    others: bool  # whether the resource has another credential that has not been deprovisioned


class BindingLost(Exception):
    """Somebody else was faster: with this id, with the one credential that there may be, or in ending the resource."""


def find(caller: Caller, credential_id: str, resource_id: str) -> Found | None:
    """``None`` where the marketplace has no such resource."""
    ids: dict[str, Any] = {"marketplace": caller.marketplace_id, "credential": credential_id, "resource": resource_id}
    with connection.cursor() as cursor:
        cursor.execute(_FIND, ids)
        row = cursor.fetchone()
    if row is None:
        return None
    resource, policy, binding, credential = split(row, _RESOURCE, _POLICY, _BINDING, _CREDENTIAL)
    if credential is not None and credential.policy_id == policy.pk:
        credential.policy = policy
    return Found(resource, policy, binding, credential, *row[-4:])


def bind(found: Found, credential: Credential, credential_id: str) -> None:
    """Give ``credential`` the marketplace's id, in the caller's transaction, which BindingLost must end."""
    is_exclusive, now = not found.policy.multiple, timezone.now()
    values: list[Any] = [_new_id(), credential_id, credential.pk, is_exclusive, now, found.resource.pk]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_BIND, values)
            bound = cursor.rowcount == 1
    except IntegrityError as error:
        if _constraint(error) not in _CONSTRAINTS:
            raise
        raise BindingLost from error
    if not bound:
        raise BindingLost


def mark_dead(binding_of: Credential, at: datetime) -> None:
    """A credential that could never be made takes nobody's place, and its id is used up."""
    ResourceCredential.objects.filter(credential_id=binding_of.line, deprovisioned_at=None).update(deprovisioned_at=at)


def _new_id() -> UUID:
    return cast(UUID, ResourceCredential._meta.pk.get_default())


def _constraint(error: IntegrityError) -> str | None:
    diagnosis: Any = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
