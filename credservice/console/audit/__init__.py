"""Shows, exports and explains the audit log in the console."""

from credservice.console.audit import events, seals

__all__ = ["events", "seals"]
