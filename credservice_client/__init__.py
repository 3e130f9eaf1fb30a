"""Calls credservice's vendor API: see docs/client.md.

It needs httpx2, and nothing of the service.
"""

from credservice_client.calls import NULL
from credservice_client.client import Client
from credservice_client.problems import (
    Conflict,
    CredserviceError,
    FieldError,
    Forbidden,
    InvalidRequest,
    KeyReused,
    NoAnswer,
    NotFound,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from credservice_client.usage import UsageReport

__all__ = [
    "NULL",
    "Client",
    "Conflict",
    "CredserviceError",
    "FieldError",
    "Forbidden",
    "InvalidRequest",
    "KeyReused",
    "NoAnswer",
    "NotFound",
    "PreconditionFailed",
    "Problem",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "UsageReport",
]
