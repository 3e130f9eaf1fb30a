"""Credentials and their policies in the console."""

from credservice.credentials.admin import credentials, policies
from credservice.credentials.admin.credentials import STATE_LABELS
from credservice.credentials.admin.values import ValuesForm

__all__ = ["STATE_LABELS", "ValuesForm", "credentials", "policies"]
