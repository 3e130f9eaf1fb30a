"""The append-only trail: ``record`` an act in its own transaction, ``record_refusal`` a refusal at best effort."""

from credservice.audit.refusals import record_refusal
from credservice.audit.trail import Line, record, record_many

__all__ = ["Line", "record", "record_many", "record_refusal"]
