"""Registers the pages that belong to no room below: accounts, approvals, the audit log, bulk runs, data keys, jobs."""

from credservice.console import audit
from credservice.console.accounts import admin as accounts
from credservice.console.accounts import invitations
from credservice.console.admin import approvals, bulk_runs, data_keys, jobs

__all__ = ["accounts", "approvals", "audit", "bulk_runs", "data_keys", "invitations", "jobs"]
