"""Registers the app of credentials and their policies."""

from django.apps import AppConfig


class CredentialsConfig(AppConfig):
    name = "credservice.credentials"
    label = "credentials"
    verbose_name = "Credentials"

    def ready(self) -> None:
        # Only now may models be imported.
        from credservice.credentials import signed_tokens
        from credservice.credentials.events import tell_examples
        from credservice.credentials.manifest import register_sections
        from credservice.credentials.vendor_api import export
        from credservice.events.examples import register_examples

        register_sections()
        register_examples(tell_examples)
        export.register()
        signed_tokens.register()
