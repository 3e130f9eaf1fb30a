from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        from credservice.credentials.preview import register_reach
        from credservice.credentials.schedule import register_taker
        from credservice.credentials.subjects import register_subject
        from credservice.metrics import register_collector
        from provisioning import (
            checks,  # noqa: F401 - registers them
            exported,
        )
        from provisioning.connector.rotations import take_scheduled
        from provisioning.metrics import SlowWork
        from provisioning.reach import resource_credentials_of
        from provisioning.setup import register_sections
        from provisioning.vendor_lookups import resource_subject

        register_sections()
        exported.register()
        register_collector(SlowWork)
        register_reach(resource_credentials_of)
        register_taker(take_scheduled)
        register_subject("resource", resource_subject)
