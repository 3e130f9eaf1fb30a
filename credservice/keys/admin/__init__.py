"""Shows and changes signing secrets and signing keys in the console."""

from credservice.keys.admin import secrets, signing_keys
from credservice.keys.admin.pages import NewSecret, Reveal
from credservice.keys.admin.secrets import WithSecrets, secrets_table, trail_with_secrets

__all__ = ["NewSecret", "Reveal", "WithSecrets", "secrets", "secrets_table", "signing_keys", "trail_with_secrets"]
