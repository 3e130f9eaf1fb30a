"""Registers the protocol of Open Service Broker platforms."""

from django.apps import AppConfig


class OSBConfig(AppConfig):
    name = "provisioning.osb"
    label = "osb"
    verbose_name = "Open Service Broker"

    def ready(self) -> None:
        # Imported here: models can be imported only when all apps are loaded.
        from credservice.credentials.hooks import register_taker
        from provisioning.manifest import add_to_marketplaces
        from provisioning.osb.manifest import PasswordReference, watch_passwords
        from provisioning.osb.protocol import OpenServiceBroker
        from provisioning.osb.rotation import leave_scheduled
        from provisioning.protocols import register_protocol

        register_protocol(OpenServiceBroker)
        add_to_marketplaces(PasswordReference(), watch=watch_passwords)
        register_taker(leave_scheduled)
