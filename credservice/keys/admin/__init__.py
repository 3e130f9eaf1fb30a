"""Signing secrets and signing keys in the console."""

from credservice.keys.admin import secrets, signing_keys
from credservice.keys.admin.secrets import secrets_table

__all__ = ["secrets", "secrets_table", "signing_keys"]
