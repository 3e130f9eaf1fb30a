"""Finds what one PUT of a credential has to know, in one query, and binds a new credential to its resource."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from credservice.core.hot_statements import HotStatement
from credservice.credentials.models import Credential, CredentialPolicy
from provisioning.caller import Caller
from provisioning.model_rows import Columns, read_row
from provisioning.models import ResourceCredential
from provisioning.models.orders import subject_of

_POLICY = Columns(CredentialPolicy, "policy")
_CREDENTIAL = Columns(
    Credential,
    "credential",
    (
        *("id", "policy_id", "line", "state", "sealed_values", "subject", "hint", "expires_at", "retires_at"),
        *("activated_at", "refresh_at", "leaked_at"),
    ),
)


def found_sql(marketplace: str, credential: str, resource: str) -> str:
    """Write the SELECT of a :class:`Found`: for a marketplace and its ids of both, each an expression of SQL.

    A protocol puts it behind its own look-up of who calls, so that one statement finds both.
    """
    # Of a line, the active credential is what is handed out; where there is none, the newest tells why.
    return f"""
SELECT {_POLICY.sql}, {_CREDENTIAL.sql}, resource.id, resource.marketplace_id, resource.partner_id, resource.state,
       resource.region, resource.features::text, resource.product_id, resource.plan_id, product.label, plan.label,
       product.slow_credentials,
       binding.resource_id, binding.deprovisioned_at,
       EXISTS (SELECT FROM provisioning_resourcecredential other
               WHERE other.resource_id = resource.id AND other.deprovisioned_at IS NULL
                 AND other.partner_id <> {credential})
FROM provisioning_resource resource
JOIN provisioning_product product ON product.id = resource.product_id
JOIN provisioning_plan plan ON plan.id = resource.plan_id
JOIN credentials_credentialpolicy policy ON policy.id = product.policy_id
LEFT JOIN provisioning_resourcecredential binding
       ON binding.marketplace_id = resource.marketplace_id AND binding.partner_id = {credential}
LEFT JOIN LATERAL (
    SELECT * FROM credentials_credential line WHERE line.line = binding.credential_id
    ORDER BY line.state = 'active' DESC, line.created_at DESC LIMIT 1
) credential ON true
WHERE resource.marketplace_id = {marketplace} AND resource.partner_id = {resource}
"""  # noqa: S608 - names of columns, from the models, and what protocols write


_FIND = HotStatement("credential_put", found_sql("$1", "$2", "$3"))
# The lock waits for a DELETE or a suspension that is under way, and those wait for it: so the credential is either
# ended or suspended with its resource, or not made: no resource is an error then. The foreign key's own lock would let
# a suspension pass.
_BIND = HotStatement(
    "credential_bind",
    """
INSERT INTO provisioning_resourcecredential
    (id, marketplace_id, partner_id, credential_id, is_exclusive, created_at, resource_id)
VALUES ($1, $2, $3, $4, $5, $6, (SELECT id FROM provisioning_resource WHERE id = $7 AND state = 'active' FOR SHARE))
""",
)
_CONSTRAINTS = ("provisioning_credential_id", "provisioning_credential_exclusive")


class Found(NamedTuple):
    """Holds a resource with what it was ordered as, and the credential that already has the id, where one has."""

    policy: CredentialPolicy
    credential: Credential | None
    resource_id: UUID
    marketplace_id: UUID
    resource: str  # the marketplace's id
    state: str
    region: str
    features: str  # JSON
    product_id: UUID
    plan_id: UUID
    product: str
    plan: str
    is_slow: bool
    bound_to: UUID | None  # the resource that the id's credential is of
    deprovisioned_at: datetime | None
    others: bool  # whether the resource has another credential that has not been deprovisioned

    @property
    def subject(self) -> str:
        """Name the resource as credentials name whose they are."""
        return subject_of(self.resource_id)


class BindingLost(Exception):
    """Tells that somebody else was faster: with the id, with the one credential there may be, or with the resource."""


def find(caller: Caller, credential_id: str, resource_id: str) -> Found | None:
    """Find a resource of the caller, with what has the credential's id. None where there is no such resource."""
    rows = _FIND.rows(caller.marketplace_id, credential_id, resource_id)
    return read_found(rows[0]) if rows else None


def read_found(row: Sequence[Any]) -> Found | None:
    """Read a row of :func:`found_sql`; None where an outer join found none."""
    found = Found(*read_row(row, _POLICY, _CREDENTIAL))
    if found.resource_id is None:
        return None
    if found.credential is not None and found.credential.policy_id == found.policy.pk:
        found.credential.policy = found.policy
    return found


def bind(found: Found, credential: Credential, credential_id: str) -> None:
    """Give ``credential`` the marketplace's id, in the caller's transaction, which stands in :func:`may_be_lost`."""
    ids = _new_id(), found.marketplace_id, credential_id, credential.pk
    _BIND.later(*ids, not found.policy.multiple, timezone.now(), found.resource_id)


@contextmanager
def may_be_lost() -> Iterator[None]:
    """Raise BindingLost where the transaction in this block could not :func:`bind`."""
    try:
        yield
    except IntegrityError as error:
        diagnosis: Any = getattr(error.__cause__, "diag", None)
        lost = diagnosis.constraint_name in _CONSTRAINTS or diagnosis.column_name == "resource_id"
        if not lost:
            raise
        raise BindingLost from error


def mark_dead(binding_of: Credential, at: datetime) -> None:
    """Free the place of a credential that could never be made; its id stays used up."""
    ResourceCredential.objects.filter(credential_id=binding_of.line, deprovisioned_at=None).update(deprovisioned_at=at)


def _new_id() -> UUID:
    return cast(UUID, ResourceCredential._meta.pk.get_default())
