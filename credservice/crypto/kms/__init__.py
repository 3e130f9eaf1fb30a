"""Key-encryption keys that never leave a key-management service: one file a service.

Such a key has the four members of :class:`~credservice.crypto.keyring.KeyEncryptionKey`. A service's client is
imported where ENCRYPTION_KEYS names that service, and nowhere else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from credservice.crypto.keyring import KeyEncryptionKey


def parse(service: str, key_id: str, location: str) -> "KeyEncryptionKey | None":
    """The key that an entry ``KEY_ID:SERVICE:LOCATION`` names, or None where there is no such service.

    Asks the service nothing. Raises :class:`~credservice.crypto.keyring.KeyringError` where the entry, or a setting
    that it needs, is missing or wrong.
    """
    if service == "awskms":
        from credservice.crypto.kms.aws import AwsKey

        return AwsKey.parse(key_id, location)
    if service == "transit":
        from credservice.crypto.kms.transit import TransitKey

        return TransitKey.parse(key_id, location)
    return None
