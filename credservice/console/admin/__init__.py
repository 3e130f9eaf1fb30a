"""Pages that belong to no room of their own."""

from credservice.console.admin import accounts, approvals, bulk_runs, jobs, keys_at_rest

__all__ = ["accounts", "approvals", "bulk_runs", "jobs", "keys_at_rest"]
