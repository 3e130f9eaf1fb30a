"""Lists every case in the order in which they run. A module registers its own when it is imported."""

from provisioning.checker.cases.manifold import (
    asynchronous,
    credentials,
    errors,
    measures,
    plans,
    resources,
    rotation,
    signatures,
    sso,
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
