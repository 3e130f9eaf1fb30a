"""Data keys in memory: unwrapped once in each process, made when there is none, replaced long before they wear out."""

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import F

from credservice.crypto.envelope import SealError
from credservice.crypto.keyring import (
    KEY_BYTES,
    KeyEncryptionKey,
    Keyring,
    KeyringError,
    UnwrapError,
    get_keyring,
)

if TYPE_CHECKING:
    from credservice.crypto.models import DataKey

# AES-GCM with random nonces is safe up to 2^32 uses of one key (NIST SP 800-38D, 8.3); we stop far earlier.
MAX_USES = 2**28
COUNT_STEP = 1024
CURRENT_FOR_SECONDS = 60.0


@dataclass(frozen=True)
class UnwrappedKey:
    id: int
    secret: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


_by_id: dict[int, UnwrappedKey] = {}
_current: dict[str, tuple[UnwrappedKey, float]] = {}
# Keys made in a transaction that has not committed yet. They are not kept in memory: were the transaction rolled
# back, what we sealed under them later would be lost.
_uncommitted: set[int] = set()
_proven: set[str] = set()


def data_key(key_id: int) -> UnwrappedKey:
    """The data key with this id. Raises :class:`SealError` where it is unknown or its KEK is not configured."""
    from credservice.crypto.models import DataKey

    key = _by_id.get(key_id)
    if key is None:
        row = DataKey.objects.filter(pk=key_id).first()
        if row is None:
            raise SealError(f"data key {key_id} does not exist")
        key = _unwrap(row)
        if key_id not in _uncommitted:
            _by_id[key_id] = key
    return key


def current_key(purpose: str) -> UnwrappedKey:
    """The data key that seals new values of this purpose; made where there is none."""
    cached = _current.get(purpose)
    if cached is not None and cached[1] > time.monotonic():
        return cached[0]
    return _load_current(purpose)


def count_use(key: UnwrappedKey) -> None:
    """Count a sealing, on average: one in ``COUNT_STEP`` adds that many. Rolls the key at ``MAX_USES``.

    After the caller's transaction: a lock on the key's row, held to its end, would make all sealing wait for it.
    """
    if random.randrange(COUNT_STEP) == 0:  # noqa: S311 - a sampling rate, no secret
        transaction.on_commit(lambda: _add_uses(key.id), robust=True)


def _add_uses(key_id: int) -> None:
    from credservice.crypto.models import DataKey

    DataKey.objects.filter(pk=key_id).update(uses=F("uses") + COUNT_STEP)
    if DataKey.objects.filter(pk=key_id, is_current=True, uses__gte=MAX_USES).exists():
        roll(key_id)


def roll(key_id: int) -> None:
    """Replace a current data key by a fresh one. What it sealed stays readable."""
    from credservice.crypto.models import DataKey

    with transaction.atomic():
        row = DataKey.objects.select_for_update().get(pk=key_id)
        if row.is_current:
            DataKey.objects.filter(pk=key_id).update(is_current=False)
            _create(row.purpose)
    _current.pop(row.purpose, None)


def forget() -> None:
    """Drop every key from memory; the next use reads the database again."""
    _by_id.clear()
    _current.clear()
    _proven.clear()


def _load_current(purpose: str) -> UnwrappedKey:
    from credservice.crypto.models import DataKey

    row = DataKey.objects.filter(purpose=purpose, is_current=True).first() or _create(purpose)
    key = _by_id.get(row.pk)
    # After a restored backup this id may stand for another key than the one in memory. Where it does not, a key
    # service is not asked again: its outage stops no running process.
    if key is None or key.wrapped != bytes(row.wrapped):
        key = _unwrap(row)
    if row.pk not in _uncommitted:
        _by_id[row.pk] = key
        _current[purpose] = (key, time.monotonic() + CURRENT_FOR_SECONDS)
    return key


def _create(purpose: str) -> "DataKey":
    from credservice.crypto.models import DataKey

    kek = get_keyring().current
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('credservice.crypto.data_key'))")
        existing = DataKey.objects.filter(purpose=purpose, is_current=True).first()
        if existing is not None:
            return existing
        register_fingerprint(get_keyring(), kek.id)
        # The id first: the wrapped key is bound to it.
        cursor.execute("SELECT nextval(pg_get_serial_sequence('crypto_datakey', 'id'))")
        row = DataKey(pk=cursor.fetchone()[0], purpose=purpose, kek_id=kek.id)
        row.wrapped = kek.wrap(os.urandom(KEY_BYTES), row.context())
        row.save(force_insert=True)
        _uncommitted.add(row.pk)
        transaction.on_commit(lambda: _uncommitted.discard(row.pk))
    return row


def register_fingerprint(keyring: Keyring, kek_id: str) -> None:
    """Note what ``kek_id`` stands for. Raises :class:`KeyringError` where the database knows another by that id."""
    from credservice.crypto.models import KekFingerprint

    found = keyring[kek_id].fingerprint()
    known, _ = KekFingerprint.objects.get_or_create(kek_id=kek_id, defaults={"fingerprint": found})
    if known.fingerprint != found:
        raise KeyringError(
            f"Key {kek_id!r} of ENCRYPTION_KEYS is not the key that this database was sealed with: its fingerprint is "
            f"{found}, expected {known.fingerprint}. Put the original key back, or give the new key a new id."
        )


def prove(kek: KeyEncryptionKey) -> None:
    """That ``kek`` opens what it wraps; asked once in a process. Raises :class:`KeyringError` where it does not.

    Without it a key service that only opens would be found out when the next data key is made.
    """
    if kek.id in _proven:
        return
    secret, context = os.urandom(KEY_BYTES), b"credservice/data-key/check/0"
    try:
        opened = kek.unwrap(kek.wrap(secret, context), context)
    except UnwrapError:
        opened = b""
    if opened != secret:
        raise KeyringError(f"Key {kek.id!r} of ENCRYPTION_KEYS does not give back what it wraps. Name another key.")
    _proven.add(kek.id)


def _unwrap(row: "DataKey") -> UnwrappedKey:
    try:
        kek = get_keyring()[row.kek_id]
    except KeyError:
        raise SealError(
            f"data key {row.pk} is wrapped by key {row.kek_id!r}, which ENCRYPTION_KEYS does not name"
        ) from None
    wrapped = bytes(row.wrapped)
    try:
        return UnwrappedKey(row.pk, kek.unwrap(wrapped, row.context()), wrapped)
    except UnwrapError as error:
        raise SealError(f"data key {row.pk}: {error}") from None
