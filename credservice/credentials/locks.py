"""One issue for many callers, across processes (engineering notes, "Many rows, many callers")."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection

# The two-key form of advisory locks keeps ours apart from those of other programs in the database.
_CLASS = 0x63726564


@contextmanager
def credential_lock(credential_id: UUID) -> Iterator[None]:
    """Hold the database's lock on a credential while its issuer is called; it falls with a dead holder's session."""
    key = _key(credential_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [_CLASS, key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_CLASS, key])


def credential_lock_is_held(credential_id: UUID) -> bool:
    """Whether somebody is calling the issuer for this credential right now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_CLASS, _key(credential_id)])
        (free,) = cursor.fetchone()
        if free:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_CLASS, _key(credential_id)])
    return not free


def _key(credential_id: UUID) -> int:
    return int.from_bytes(credential_id.bytes[:4], signed=True)
