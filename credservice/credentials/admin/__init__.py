"""Shows and changes credentials and their policies in the console."""

from credservice.credentials.admin import credentials, policies, related
from credservice.credentials.admin.values import ValuesForm

__all__ = ["ValuesForm", "credentials", "policies", "related"]
