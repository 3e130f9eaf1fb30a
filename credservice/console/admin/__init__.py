"""Pages that belong to no room of their own."""

from credservice.console.admin import accounts, jobs, keys_at_rest

__all__ = ["accounts", "jobs", "keys_at_rest"]
