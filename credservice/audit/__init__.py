"""The append-only trail: ``record`` an act in its own transaction, ``record_refusal`` a refusal at best effort."""

from credservice.audit.refusals import record_refusal
from credservice.audit.trail import record

__all__ = ["record", "record_refusal"]
