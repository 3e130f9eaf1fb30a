"""Keeps credentials, and the policies that they are made by."""

from credservice.credentials.models.credentials import (
    FAILS_AFTER,
    LEAKED,
    LEAKED_WITH,
    OWN_END,
    STUCK_AFTER,
    Credential,
    CredentialQuerySet,
    last_retiring,
    stuck,
)
from credservice.credentials.models.leases import Lease
from credservice.credentials.models.policies import DEFAULT_OVERLAP, CredentialPolicy, fitting_overlap

__all__ = [
    "DEFAULT_OVERLAP",
    "FAILS_AFTER",
    "LEAKED",
    "LEAKED_WITH",
    "OWN_END",
    "STUCK_AFTER",
    "Credential",
    "CredentialPolicy",
    "CredentialQuerySet",
    "Lease",
    "fitting_overlap",
    "last_retiring",
    "stuck",
]
