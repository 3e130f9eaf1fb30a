"""Tells how far slow work is, for protocols that poll. Its outcome stays readable."""

from uuid import UUID

from credservice.core.exceptions import NotFound
from credservice.core.hot_statements import HotStatement
from provisioning.caller import Caller
from provisioning.model_rows import Columns, read_row
from provisioning.models import Operation
from provisioning.services.lookup import no_such_credential, no_such_resource

_OPERATION = Columns(Operation, "operation")
_FIND = HotStatement(
    "last_operation",
    f"""
SELECT {_OPERATION.sql}, binding.id FROM provisioning_resource resource
LEFT JOIN provisioning_resourcecredential binding
       ON binding.marketplace_id = resource.marketplace_id AND binding.partner_id = $3
      AND binding.resource_id = resource.id
LEFT JOIN LATERAL (
    SELECT * FROM provisioning_operation one
    WHERE one.resource_id = resource.id AND one.resource_credential_id IS NOT DISTINCT FROM binding.id
      AND ($4::uuid IS NULL OR one.id = $4::uuid)
    ORDER BY one.created_at DESC LIMIT 1
) operation ON true
WHERE resource.marketplace_id = $1 AND resource.partner_id = $2
""",  # noqa: S608 - names of columns, from the model
)


def last_operation(
    *, caller: Caller, resource_id: str, credential_id: str | None = None, operation_id: UUID | None = None
) -> Operation | None:
    """Find the newest operation of a resource, or of a credential of it; or the one of this id, of the same object.

    None where all that was asked of it was done at once. Raises NotFound where there never was such an object, or such
    an operation of it.
    """
    rows = _FIND.rows(caller.marketplace_id, resource_id, credential_id, operation_id)
    if not rows:
        raise no_such_resource()
    operation, binding_id = read_row(rows[0], _OPERATION)
    if credential_id is not None and binding_id is None:
        raise no_such_credential()
    if operation is None and operation_id is not None:
        raise NotFound("There is no such operation of it.", code="unknown_operation")
    found: Operation | None = operation
    return found
