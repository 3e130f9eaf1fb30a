"""Registers the app of data keys, and makes the first ones with the schema."""

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
    """Make the first data keys with the schema, so that no request has to.

    Beside keys of a version that bound values to their rows alone, ``bind_sealed`` makes the one that binds them to
    more: processes of that version may still be running, and could not open what it seals.
    """
    # Here: an app's configuration is imported before there may be models.
    from credservice.crypto import store
    from credservice.crypto.models import DataKey

    store.forget()
    upgraded = DataKey.objects.exists() and not store.has_begun_to_bind()
    if not upgraded:
        # First: a migration that ended after another key would be taken for an upgrade at the next one.
        store.current_key(DataKey.Purpose.BOUND)
    for purpose in DataKey.Purpose.values:
        if purpose != DataKey.Purpose.BOUND:
            store.current_key(purpose)
