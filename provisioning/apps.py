"""Registers the provisioning door, and tells the kernel of resources."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        # Imported here: models can be imported only when all apps are loaded.
        from credservice.credentials.hooks import register_subject
        from credservice.credentials.policy_impact import register_served, register_uses
        from credservice.credentials.rotation_impact import register_reach
        from credservice.events.examples import register_examples
        from credservice.metrics import register_figures
        from provisioning import checks  # noqa: F401 - registers them
        from provisioning.credential_hooks import (
            products_served,
            products_with_live_credentials,
            resource_credentials_of,
            resource_subject,
        )
        from provisioning.manifest import register_sections
        from provisioning.metrics import slow_work, trusted_keys
        from provisioning.services.events import tell_examples
        from provisioning.vendor_api import export

        register_sections()
        register_examples(tell_examples)
        export.register()
        register_figures(slow_work)
        register_figures(trusted_keys)
        register_reach(resource_credentials_of)
        register_served(products_served)
        register_uses(products_with_live_credentials)
        register_subject("resource", resource_subject)
