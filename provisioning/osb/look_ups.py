"""Writes the statements that find who calls, each together with what the call is about: one round trip for both."""

from typing import Any, NamedTuple

from credservice.core.hot_statements import HotStatement
from provisioning.osb.catalogue import version_sql
from provisioning.services.bindings import found_sql
from provisioning.services.progress import operation_sql

# A row for each live password of the marketplace, or one without; none where there is no such marketplace.
_PASSWORDS = """
SELECT marketplace.id, marketplace.is_active, password.id AS password_id, password.digest
FROM provisioning_marketplace marketplace
LEFT JOIN osb_brokerpassword password
       ON password.marketplace_id = marketplace.id
      AND (password.ends_at IS NULL OR password.ends_at > statement_timestamp())
WHERE marketplace.name = $1 AND marketplace.protocol_name = 'osb'
"""
PASSWORDS = HotStatement("osb_passwords", _PASSWORDS)
BINDING = HotStatement(
    "osb_binding_put",
    f"""
SELECT known.*, product.credentials_shape::text, found.* FROM ({_PASSWORDS}) known
LEFT JOIN LATERAL ({found_sql("known.id", "$2", "$3")}) found ON true
LEFT JOIN provisioning_product product ON product.id = found.product_id
""",  # noqa: S608 - constant texts
)
# Of an instance, and of a binding.
OPERATION, BINDING_OPERATION = (
    HotStatement(
        name,
        f"""
SELECT known.*, found.* FROM ({_PASSWORDS}) known
LEFT JOIN LATERAL ({operation_sql("known.id", "$2", "$3", binding)}) found ON true
""",  # noqa: S608 - constant texts
    )
    for name, binding in (("osb_last_operation", None), ("osb_binding_operation", "$4"))
)
CATALOGUE = HotStatement(
    "osb_catalogue",
    f"SELECT known.*, ({version_sql('known.id')}) FROM ({_PASSWORDS}) known",  # noqa: S608 - constant texts
)


class LookUp(NamedTuple):
    """One of these statements, with the parameters that follow the marketplace's name."""

    statement: HotStatement = PASSWORDS
    parameters: tuple[Any, ...] = ()
