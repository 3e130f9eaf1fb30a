"""Makes, activates, publishes and retires signing keys: the keys that our own tokens are signed with.

A key is published before it signs (pending), signs (current), and is published until the last token that it signed has
expired (previous). One of each algorithm is current, at most one pending.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from credservice.audit import Line, record
from credservice.core.exceptions import Conflict, Invalid
from credservice.crypto import seal
from credservice.keys import hooks, jose
from credservice.keys.models import SigningKey

State = SigningKey.State
MAX_TOKEN_LIFETIME = timedelta(hours=24)
# What verifies may cache our keys for this long; see the JWKS view.
JWKS_MAX_AGE = timedelta(minutes=5)
# Longer than that: caches are renewed late, and clocks differ.
PUBLISHED_BEFORE = timedelta(minutes=10)
# A clock may be an hour off (a forgotten time zone) before a good token is refused for its key.
OVERLAP = MAX_TOKEN_LIFETIME + timedelta(hours=1)


def generate_signing_key(
    *, algorithm: str, actor: str, published_before: timedelta = PUBLISHED_BEFORE, leaked: bool = False
) -> SigningKey:
    """Make a key that is published now and signs after ``published_before``, the one before then being the previous.

    The first of its algorithm signs at once. ``leaked``: so does this one; the keys before are retired at once, and the
    tokens that they signed verify no more and are handed out no more. Raises :class:`Invalid`, :class:`Conflict` while
    another one is pending.
    """
    if algorithm not in SigningKey.Algorithm.values:
        raise Invalid(f"A signing key is for one of {', '.join(SigningKey.Algorithm.values)}.")
    if published_before < JWKS_MAX_AGE:
        raise Invalid("A key is published for five minutes, at least, before it signs: caches keep our keys so long.")
    key = _new_key(algorithm)
    with transaction.atomic():
        _lock(algorithm)
        keys = SigningKey.objects.filter(algorithm=algorithm)
        if leaked or not keys.filter(state=State.CURRENT).exists():
            _make_current(key, actor, leaked=leaked)
        elif keys.filter(state=State.PENDING).exists():
            raise Conflict(f"A key for {algorithm} is pending already. Activate or retire it first.")
        else:
            key.activates_at = timezone.now() + published_before
            key.save(force_insert=True)
        detail = {"leaked": leaked, "activates_at": key.activates_at.isoformat()}
        record(Line.about(key, "signing_key.created", actor, detail))
    return key


def activate_signing_key(*, key: SigningKey, actor: str) -> SigningKey:
    """Let a pending key sign from now on. Repeating it is harmless. Raises :class:`Conflict` for a retired one."""
    with transaction.atomic():
        _lock(key.algorithm)
        key.refresh_from_db()
        if key.state == State.PENDING:
            _make_current(key, actor)
            record(Line.about(key, "signing_key.activated", actor))
        elif key.state != State.CURRENT:
            raise Conflict(f"Only a pending key can be activated; this one is {key.state}.")
    return key


def retire_signing_key(*, key: SigningKey, actor: str) -> None:
    """Publish it no more, and end the tokens that it signed; its private half is erased.

    Raises :class:`Conflict` for the current one.
    """
    with transaction.atomic():
        _lock(key.algorithm)
        key.refresh_from_db()
        if key.state == State.CURRENT:
            raise Conflict("This is the current key. Make a new one first; this one then becomes the previous one.")
        if key.state != State.RETIRED:
            _retire([key], actor)


def keys_before(algorithm: str) -> QuerySet[SigningKey]:
    """Find the keys that a leak would retire: whatever is published, or signs."""
    return SigningKey.objects.filter(algorithm=algorithm).exclude(state=State.RETIRED)


def current_signing_key(algorithm: str, *, actor: str) -> SigningKey:
    """Find the key to sign with now. The first of an algorithm is made here; a pending one that is due takes over."""
    usable = [State.PENDING, State.CURRENT]
    found = {key.state: key for key in SigningKey.objects.filter(algorithm=algorithm, state__in=usable)}
    pending, current = found.get(State.PENDING), found.get(State.CURRENT)
    if current is not None and (pending is None or not pending.is_due(timezone.now())):
        return current
    return _take_over(algorithm, actor) or _first_key(algorithm, actor)


def published_jwks() -> dict[str, Any]:
    """Write the key set that verifies our tokens (RFC 7517): pending, current and previous, no other."""
    return {"keys": [key.public_jwk for key in SigningKey.objects.published()]}


def sweep_signing_keys(*, actor: str) -> int:
    """Activate what is due and retire what has ended, for the worker. Returns how many keys have changed."""
    now, changed = timezone.now(), 0
    for key in SigningKey.objects.filter(state=State.PENDING, activates_at__lte=now):
        activate_signing_key(key=key, actor=actor)
        changed += 1
    for key in SigningKey.objects.filter(state=State.PREVIOUS, ends_at__lte=now):
        retire_signing_key(key=key, actor=actor)
        changed += 1
    return changed


def _take_over(algorithm: str, actor: str) -> SigningKey | None:
    """Make a pending key that is due the current one. Returns the current one, if there is any."""
    with transaction.atomic():
        _lock(algorithm)
        keys = SigningKey.objects.filter(algorithm=algorithm)
        due = keys.filter(state=State.PENDING, activates_at__lte=timezone.now()).first()
        if due is None:
            return keys.filter(state=State.CURRENT).first()
        _make_current(due, actor)
        record(Line.about(due, "signing_key.activated", actor))
        return due


def _first_key(algorithm: str, actor: str) -> SigningKey:
    """Make the first key. Whoever asks first does; the others find it, and drop the one that they made meanwhile."""
    key = _new_key(algorithm)
    with transaction.atomic():
        _lock(algorithm)
        current = SigningKey.objects.filter(algorithm=algorithm, state=State.CURRENT).first()
        if current is not None:
            return current
        _make_current(key, actor)
        record(Line.about(key, "signing_key.created", actor))
    return key


def _new_key(algorithm: str) -> SigningKey:
    """Make a key, not saved: making an RSA key takes a while, and no lock is held meanwhile."""
    jwk = jose.generate_jwk(algorithm)
    public = jose.public_jwk(jwk, algorithm)
    key = SigningKey(algorithm=algorithm, kid=public["kid"], public_jwk=public)
    key.sealed_private = seal(jose.private_bytes(jwk), key.place)
    return key


def _make_current(key: SigningKey, actor: str, *, leaked: bool = False) -> None:
    now = timezone.now()
    before = SigningKey.objects.filter(algorithm=key.algorithm)
    if leaked:
        _retire(list(keys_before(key.algorithm)), actor)
    before.filter(state=State.CURRENT).update(state=State.PREVIOUS, ends_at=now + OVERLAP)
    key.state, key.activated_at = State.CURRENT, now
    key.activates_at = min(key.activates_at or now, now)  # earlier than planned, where somebody has it activated
    if key._state.adding:
        key.save(force_insert=True)
    else:
        key.save(update_fields=["state", "activates_at", "activated_at"])


def _retire(keys: Sequence[SigningKey], actor: str) -> None:
    now = timezone.now()
    early = [key.kid for key in keys if key.may_have_live_tokens(now)]
    for key in keys:
        key.state, key.ends_at, key.sealed_private = State.RETIRED, now, None
        key.save(update_fields=["state", "ends_at", "sealed_private"])
        record(Line.about(key, "signing_key.retired", actor))
    if early:
        hooks.end_tokens(early)


def _lock(algorithm: str) -> None:
    """Allow one change at a time for each algorithm, also while it has no row to lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"credservice.signing_key.{algorithm}"])
