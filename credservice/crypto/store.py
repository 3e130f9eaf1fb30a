"""Keeps data keys in memory: unwraps them once a process, makes the first, replaces each long before it wears out."""

import os
import random
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from credservice.crypto.envelope import Place, SealError
from credservice.crypto.kek import KeyEncryptionKey, KeyringError, UnwrapError
from credservice.crypto.keyring import KEY_BYTES, Keyring, get_keyring
from credservice.crypto.models import DataKey, KekFingerprint

# AES-GCM with random nonces is safe up to 2^32 uses of one key (NIST SP 800-38D, 8.3); we stop far earlier.
MAX_USES = 2**28
COUNT_STEP = 1024
CURRENT_FOR_SECONDS = 60.0
VALUES, BOUND = DataKey.Purpose.VALUES.value, DataKey.Purpose.BOUND.value


@dataclass(frozen=True)
class UnwrappedKey:
    id: int
    purpose: str
    secret: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


_by_id: dict[int, UnwrappedKey] = {}
_current: dict[str, tuple[UnwrappedKey, float]] = {}
# Keys made in a transaction that has not committed yet. They are not kept in memory: were the transaction rolled
# back, what we sealed under them later would be lost.
_uncommitted: set[int] = set()
_proven: set[str] = set()


def data_key(key_id: int) -> UnwrappedKey:
    """Return the data key with this id. Raises :class:`SealError` where it, or its KEK, is not known."""
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
    """Return the data key that seals new values of this purpose; it is made where there is none."""
    cached = _current.get(purpose)
    if cached is not None and cached[1] > time.monotonic():
        return cached[0]
    return _load_current(purpose)


def sealing_key(place: Place) -> UnwrappedKey:
    """Return the data key that seals new values of this place."""
    row_bound = settings.ACCEPT_ROW_BOUND and not has_begun_to_bind()
    return current_key(VALUES if row_bound else _purpose_of(place))


def has_begun_to_bind() -> bool:
    """Tell if values were bound to more than their row here: not yet, where a version has sealed that could not."""
    return BOUND in _current or DataKey.objects.filter(purpose=BOUND).exists()


def place_under(key: UnwrappedKey, place: Place) -> Place:
    """Return the place as this key's values name it. Its purpose is authenticated: the wrapped key is bound to it.

    Raises :class:`SealError` for a key that seals no values of such places. The settings alone decide if one that binds
    to the row is good enough: whoever writes the database could put anything back there that it has held before.
    """
    if key.purpose == _purpose_of(place):
        return place
    if key.purpose == VALUES and settings.ACCEPT_ROW_BOUND:
        return place.of_its_row_alone()
    raise SealError(f"{place.model} {place.pk} {place.field}: data key {key.id} ({key.purpose}) binds to no owner")


def _purpose_of(place: Place) -> str:
    return BOUND if place.bound_to else VALUES


def count_use(key: UnwrappedKey) -> None:
    """Count a sealing, on average: one in ``COUNT_STEP`` adds that many. Rolls the key at ``MAX_USES``.

    After the caller's transaction: a lock on the key's row, held to its end, would make all sealing wait for it.
    """
    if random.randrange(COUNT_STEP) == 0:  # noqa: S311 - a sampling rate, no secret
        transaction.on_commit(lambda: _add_uses(key.id), robust=True)


def _add_uses(key_id: int) -> None:
    DataKey.objects.filter(pk=key_id).update(uses=F("uses") + COUNT_STEP)
    if DataKey.objects.filter(pk=key_id, is_current=True, uses__gte=MAX_USES).exists():
        roll(key_id)


def roll(key_id: int) -> None:
    """Replace a current data key by a fresh one. What it sealed stays readable."""
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


def _create(purpose: str) -> DataKey:
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
    found = keyring[kek_id].fingerprint()
    known, _ = KekFingerprint.objects.get_or_create(kek_id=kek_id, defaults={"fingerprint": found})
    if known.fingerprint != found:
        raise KeyringError(
            f"Key {kek_id!r} of ENCRYPTION_KEYS is not the key that this database was sealed with: its fingerprint is "
            f"{found}, expected {known.fingerprint}. Put the original key back, or give the new key a new id."
        )


def prove(kek: KeyEncryptionKey) -> None:
    """Prove that ``kek`` opens what it wraps, once in a process. Raises :class:`KeyringError` where it does not.

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


def unknown_keks() -> list[str]:
    """List the ids of what wraps data keys and is unknown to this process."""
    rows = DataKey.objects.exclude(kek_id__in=get_keyring()).order_by("kek_id")
    return list(rows.values_list("kek_id", flat=True).distinct())


def find_kek(key_id: int, kek_id: str) -> KeyEncryptionKey:
    """Find what wraps a data key. Raises :class:`SealError` where this process does not know it."""
    try:
        return get_keyring()[kek_id]
    except KeyError:
        raise SealError(
            f"data key {key_id} is wrapped by key {kek_id!r}, which ENCRYPTION_KEYS does not name"
        ) from None


def _unwrap(row: DataKey) -> UnwrappedKey:
    kek = find_kek(row.pk, row.kek_id)
    wrapped = bytes(row.wrapped)
    try:
        return UnwrappedKey(row.pk, row.purpose, kek.unwrap(wrapped, row.context()), wrapped)
    except UnwrapError as error:
        raise SealError(f"data key {row.pk}: {error}") from None
