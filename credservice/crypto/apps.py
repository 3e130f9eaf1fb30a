from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CryptoConfig(AppConfig):
    name = "credservice.crypto"
    label = "crypto"
    verbose_name = "Encryption"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(make_data_keys, sender=self)


def make_data_keys(**_: Any) -> None:
    """Make the first data keys with the schema, so that no request has to."""
    from credservice.crypto import store
    from credservice.crypto.models import DataKey

    store.forget()
    for purpose in DataKey.Purpose.values:
        store.current_key(purpose)
