"""Reaches key-encryption keys that never leave a key-management service: one file a service.

Such a key has the four members of :class:`~credservice.crypto.kek.KeyEncryptionKey`. A service's client is memory and
time at the start, so it is imported where ENCRYPTION_KEYS names that service, and nowhere else.
"""

from credservice.crypto.kek import KeyEncryptionKey


def parse(service: str, key_id: str, location: str) -> KeyEncryptionKey | None:
    """Return the key that an entry ``KEY_ID:SERVICE:LOCATION`` names, None where there is no such service.

    Asks the service nothing. Raises :class:`~credservice.crypto.kek.KeyringError` where the entry, or a setting
    that it needs, is missing or wrong.
    """
    if service == "awskms":
        from credservice.crypto.kms.aws import AwsKey

        return AwsKey.parse(key_id, location)
    if service == "transit":
        from credservice.crypto.kms.transit import TransitKey

        return TransitKey.parse(key_id, location)
    return None
