"""Keeps the append-only log: ``record`` an act in its own transaction, ``record_refusal`` a refusal at best effort."""

from credservice.audit.log import Line, record, record_many
from credservice.audit.refusals import record_refusal

__all__ = ["Line", "record", "record_many", "record_refusal"]
