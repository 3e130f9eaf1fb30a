"""Keeps sessions in the database, sealed, under a digest of their id, with an end: Django's ``SESSION_ENGINE``.

A session ends ``SESSION_SECONDS`` after its sign-in, whatever happens in it, and after ``SESSION_IDLE_SECONDS``
without a request.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from credservice.accounts.models import ConsoleSession
from credservice.crypto import Place, SealError, seal, unseal
from credservice.http.context import current_context

STARTED, BROWSER = "_started_at", "_browser"
SEEN_STEP = timedelta(minutes=1)


def row_id(session_key: str | None) -> str:
    """Digest a session's id, which is random enough (165 bits) to need no slow hash."""
    return hashlib.sha256((session_key or "").encode()).hexdigest()


class SessionStore(SessionBase):
    """Reads, writes and ends sessions, as every backend of Django's has to.

    ``is_activity``: this request keeps an idle session alive.
    """

    is_activity = True

    def load(self) -> dict[str, Any]:
        row = ConsoleSession.objects.live().filter(pk=row_id(self.session_key)).first()
        if row is not None:
            if self.is_activity:
                self._see(row)
            try:
                content: dict[str, Any] = json.loads(unseal(bytes(row.sealed_content), _place(row.pk)))
            except SealError:  # a key that is gone ends sessions; it must not end the console
                row = None
        if row is None:
            self._session_key = None
            return {}
        return content

    def exists(self, session_key: str) -> bool:
        return ConsoleSession.objects.filter(pk=row_id(session_key)).exists()

    def create(self) -> None:
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            return self.create()
        row = self._row(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                row.save(force_insert=must_create, force_update=not must_create)
        except IntegrityError:
            raise CreateError from None
        except DatabaseError:  # ended meanwhile: the answer must not bring it back
            raise UpdateError from None

    def delete(self, session_key: str | None = None) -> None:
        ConsoleSession.objects.filter(pk=row_id(session_key or self.session_key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        ConsoleSession.objects.ended().delete()

    def begin(self, browser: str) -> None:
        """Count the session's end from now: at the sign-in."""
        self[STARTED], self[BROWSER] = timezone.now().isoformat(), browser[:200]

    def get_expiry_age(self, **_: Any) -> int:
        return max(0, int((self._ends_at() - timezone.now()).total_seconds()))

    def _ends_at(self) -> datetime:
        started = self.get(STARTED)
        begun = datetime.fromisoformat(started) if started else timezone.now()
        return begun + timedelta(seconds=settings.SESSION_COOKIE_AGE)

    def _row(self, data: dict[str, Any]) -> ConsoleSession:
        now, pk = timezone.now(), row_id(self.session_key)
        started = datetime.fromisoformat(data.setdefault(STARTED, now.isoformat()))
        return ConsoleSession(
            pk=pk,
            sealed_content=seal(json.dumps(data).encode(), _place(pk)),
            user_id=data.get(SESSION_KEY),
            started_at=started,
            seen_at=now,
            expires_at=started + timedelta(seconds=settings.SESSION_COOKIE_AGE),
            source=current_context().source,
            browser=data.get(BROWSER, ""),
        )

    def _see(self, row: ConsoleSession) -> None:
        if timezone.now() - row.seen_at > SEEN_STEP:
            ConsoleSession.objects.filter(pk=row.pk).update(seen_at=timezone.now())


def _place(pk: str) -> Place:
    return Place("accounts.consolesession", pk, "sealed_content")
