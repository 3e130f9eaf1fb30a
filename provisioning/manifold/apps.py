"""Registers the protocol of Manifold-style marketplaces."""

from django.apps import AppConfig


class ManifoldConfig(AppConfig):
    name = "provisioning.manifold"
    verbose_name = "Manifold"

    def ready(self) -> None:
        # Imported here: models can be imported only when all apps are loaded.
        from credservice.credentials.hooks import register_taker
        from provisioning.manifest import add_to_marketplaces
        from provisioning.manifold import checks  # noqa: F401 - registers them
        from provisioning.manifold.connector.rotations import take_scheduled
        from provisioning.manifold.manifest import TRUSTED_KEYS, watch_trusted_keys
        from provisioning.manifold.protocol import Manifold
        from provisioning.protocols import register_protocol

        register_protocol(Manifold)
        add_to_marketplaces(TRUSTED_KEYS, watch=watch_trusted_keys)
        register_taker(take_scheduled)
