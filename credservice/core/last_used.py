"""Remembers when something was last used, and writes it now and then, off the request path."""

import atexit
import threading
from datetime import datetime
from uuid import UUID

import structlog
from django.db import Error, connection
from django.utils import timezone

FLUSH_SECONDS = 30.0
SOON_SECONDS = 1.0
# What pages say where no use is written: right after the first one, a bare "never" would mislead.
NONE_YET = "never (a use shows within a minute)"
log = structlog.get_logger(__name__)


class LastUses:
    """The column ``last_used_at`` of a table with UUIDs for keys, to the minute.

    Where the rows are ``few``, the first use after a pause is written at once: a person may be waiting for it.
    """

    def __init__(self, table: str, *, few: bool = False) -> None:
        self._update = (
            f"UPDATE {table} AS row SET last_used_at = used.at "  # noqa: S608 - a table of ours
            "FROM unnest(%s::uuid[], %s::timestamptz[]) AS used (id, at) WHERE row.id = used.id "
            "AND (row.last_used_at IS NULL OR row.last_used_at < used.at - interval '1 minute')"
        )
        self._few = few
        self._used: dict[UUID, datetime] = {}
        self._written: frozenset[UUID] = frozenset()  # the last time
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        atexit.register(self._flush_in_thread)

    def note(self, key: UUID) -> None:
        """Remember that this was used just now. The database learns it within half a minute."""
        with self._lock:
            soon = self._few and key not in self._used and key not in self._written
            self._used[key] = timezone.now()
            if soon and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._timer is None:
                self._timer = threading.Timer(SOON_SECONDS if soon else FLUSH_SECONDS, self._flush_in_thread)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what is remembered. What cannot be written is forgotten: a last use is a hint, not a record."""
        with self._lock:
            used = dict(self._used)
            self._used.clear()
            self._written = frozenset(used)
            self._timer = None
        if not used:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(self._update, [list(used), list(used.values())])
        except Error as error:
            log.warning("last_use_not_written", error=type(error).__name__)

    def _flush_in_thread(self) -> None:
        try:
            self.flush()
        finally:
            connection.close()
