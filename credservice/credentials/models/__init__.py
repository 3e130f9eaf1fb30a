"""Keeps credentials, and the policies that they are made by."""

from credservice.credentials.models.credentials import LEAKED, OWN_END, Credential, Lease
from credservice.credentials.models.policies import DEFAULT_OVERLAP, CredentialPolicy, fitting_overlap
from credservice.credentials.models.querysets import (
    FAILS_AFTER,
    STUCK_AFTER,
    CredentialQuerySet,
    last_retiring,
    stuck,
)

__all__ = [
    "DEFAULT_OVERLAP",
    "FAILS_AFTER",
    "LEAKED",
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
