"""Changes the key-encryption key: wraps every data key anew under the current KEK, and touches no value.

Online and resumable: each data key is a small transaction of its own, and both keys are readable all the while.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from credservice.core.checkout import COMMAND
from credservice.crypto.kek import UnwrapError
from credservice.crypto.keyring import Keyring
from credservice.crypto.models import DataKey
from credservice.crypto.store import register_fingerprint


@dataclass(frozen=True)
class Rewrapped:
    """One data key's turn: from which KEK it came, and how many are left."""

    data_key_id: int
    from_kek: str
    left: int


class NotProven(Exception):
    """Something still needs an old key; the message says what."""


def rewrap(keyring: Keyring) -> Iterator[Rewrapped]:
    """Wrap under ``keyring.current`` whatever another KEK wraps. Yields each one done; stopped, it can be begun again.

    Raises :class:`NotProven` where a data key's KEK is not configured or does not open it.
    """
    with transaction.atomic():
        register_fingerprint(keyring, keyring.current.id)
    waiting = list(DataKey.objects.exclude(kek_id=keyring.current.id).order_by("pk").values_list("pk", flat=True))
    for done, key_id in enumerate(waiting, start=1):
        yield Rewrapped(key_id, _rewrap_one(keyring, key_id), len(waiting) - done)


def prove_unneeded(keyring: Keyring) -> list[str]:
    """Return the ids of the configured KEKs that nothing needs any more.

    Proven by opening every data key with the current KEK alone. Raises :class:`NotProven` where one does not open, or
    waits to be wrapped anew.
    """
    waiting: list[str] = []
    for row in DataKey.objects.order_by("pk"):
        if row.kek_id in keyring and row.kek_id != keyring.current.id:
            waiting.append(row.kek_id)
        else:
            _unwrap(keyring, row)
    if waiting:
        raise NotProven(_still_wrapped(waiting))
    return [kek_id for kek_id in keyring if kek_id != keyring.current.id]


def _rewrap_one(keyring: Keyring, key_id: int) -> str:
    with transaction.atomic():
        row = DataKey.objects.select_for_update().get(pk=key_id)
        before = row.kek_id
        secret = _unwrap(keyring, row)
        row.kek_id, row.wrapped = keyring.current.id, keyring.current.wrap(secret, row.context())
        # Read back before it is kept: a key service that answers nonsense must not cost us the data key.
        if _unwrap(keyring, row) != secret:
            raise NotProven(f"Key {keyring.current.id!r} does not give back what it wrapped. Nothing was changed.")
        row.save(update_fields=["kek_id", "wrapped"])
    return before


def _still_wrapped(by: list[str]) -> str:
    keys = " and ".join(sorted(set(by)))
    count = "1 data key is" if len(by) == 1 else f"{len(by)} data keys are"
    return f"{count} still wrapped by {keys}: run {COMMAND} rotate_keys, and keep {keys} until then."


def _unwrap(keyring: Keyring, row: DataKey) -> bytes:
    if row.kek_id not in keyring:
        raise NotProven(
            f"Data key {row.pk} ({row.purpose}) is wrapped by key {row.kek_id!r}. Put that key back into "
            f"ENCRYPTION_KEYS, after the new one, and run {COMMAND} rotate_keys."
        )
    try:
        return keyring[row.kek_id].unwrap(bytes(row.wrapped), row.context())
    except UnwrapError as error:
        raise NotProven(f"Data key {row.pk} ({row.purpose}): {error}.") from None
