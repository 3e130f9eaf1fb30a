"""Every case, in the order in which they run. A module registers its own when it is imported."""

from provisioning.checker.cases import (  # noqa: I001 - the order of the report
    resources,
    plans,
    credentials,
    rotation,
    measures,
    signatures,
    sso,
    asynchronous,
    errors,
)
from provisioning.checker.registry import CASES

__all__ = [
    "CASES",
    "asynchronous",
    "credentials",
    "errors",
    "measures",
    "plans",
    "resources",
    "rotation",
    "signatures",
    "sso",
]
