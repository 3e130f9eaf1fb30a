"""The trail in the console."""

from credservice.audit.admin import events, seals

__all__ = ["events", "seals"]
