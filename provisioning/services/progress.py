"""Tells how far slow work is, for protocols that poll. Its outcome stays readable."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from credservice.core.exceptions import NotFound
from provisioning.model_rows import Columns, read_row
from provisioning.models import Operation
from provisioning.services.lookup import no_such_credential, no_such_resource

_OPERATION = Columns(Operation, "operation", ("id", "verb", "state", "message", "next_attempt_at"))


def operation_sql(marketplace: str, resource: str, operation: str, credential: str | None = None) -> str:
    """Write the SELECT of the newest operation of a resource, or of a credential of it; or of the one of this id.

    Of a marketplace and its ids of both, each an expression of SQL. A protocol puts it behind its own look-up of who
    calls. Of a resource it does not look at credentials, of which there may be many.
    """
    binding_id, join, of = "NULL::uuid", "", "IS NULL"
    if credential:
        binding_id, of = "binding.id", "= binding.id"
        join = f"""
LEFT JOIN provisioning_resourcecredential binding
       ON binding.marketplace_id = resource.marketplace_id AND binding.partner_id = {credential}
      AND binding.resource_id = resource.id"""
    return f"""
SELECT {_OPERATION.sql}, resource.id, {binding_id} FROM provisioning_resource resource{join}
LEFT JOIN LATERAL (
    SELECT * FROM provisioning_operation one
    WHERE one.resource_id = resource.id AND one.resource_credential_id {of}
      AND ({operation}::uuid IS NULL OR one.id = {operation}::uuid)
    ORDER BY one.created_at DESC LIMIT 1
) operation ON true
WHERE resource.marketplace_id = {marketplace} AND resource.partner_id = {resource}
"""  # noqa: S608 - names of columns, from the model, and what protocols write


def read_operation(row: Sequence[Any], credential_id: str | None, operation_id: UUID | None) -> Operation | None:
    """Read a row of :func:`operation_sql`, which looked for these ids.

    None where all that was asked of it was done at once. Raises NotFound where there never was such an object, or such
    an operation of it.
    """
    operation, resource_pk, binding_pk = read_row(row, _OPERATION)
    if resource_pk is None:
        raise no_such_resource()
    if credential_id is not None and binding_pk is None:
        raise no_such_credential()
    if operation is None and operation_id is not None:
        raise NotFound("There is no such operation of it.", code="unknown_operation")
    found: Operation | None = operation
    return found
