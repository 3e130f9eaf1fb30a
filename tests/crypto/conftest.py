"""Holds what the tests of sealing share."""

import pytest

from credservice.crypto import keyring, store


@pytest.fixture
def use(settings):
    """Run on with these ENCRYPTION_KEYS, as a restarted process would."""

    def use(keys: str) -> None:
        settings.ENCRYPTION_KEYS = keys
        keyring.get_keyring.cache_clear()
        store.forget()

    original = settings.ENCRYPTION_KEYS
    yield use
    use(original)
