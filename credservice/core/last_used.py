"""Remembers when something was last used, and writes it now and then, off the request path."""

import atexit
import threading
from datetime import datetime, timedelta
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

    Where the rows are ``few``, the first use after a pause is written at once: a person may be waiting for it. So is
    the very last one in its turn, not to the minute: pages conclude something from there being none since.
    """

    def __init__(self, table: str, *, few: bool = False) -> None:
        self._update = (
            f"UPDATE {table} AS row SET last_used_at = used.at "  # noqa: S608 - a table of ours
            "FROM unnest(%s::uuid[], %s::timestamptz[]) AS used (id, at) WHERE row.id = used.id "
            f"AND (row.last_used_at IS NULL OR row.last_used_at < used.at - interval '{0 if few else 1} minutes')"
        )
        self._few = few
        self._used: dict[UUID, datetime] = {}
        self._noted: dict[UUID, datetime] = {}  # of few: the last time, also when it is written
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        atexit.register(self._flush_in_thread)

    def note(self, key: UUID) -> None:
        """Remember that this was used just now. The database learns it within half a minute."""
        with self._lock:
            now = timezone.now()
            soon = self._few and self._is_first(key, now)
            self._used[key] = now
            if soon and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._timer is None:
                self._timer = threading.Timer(SOON_SECONDS if soon else FLUSH_SECONDS, self._flush_in_thread)
                self._timer.daemon = True
                self._timer.start()

    def _is_first(self, key: UUID, now: datetime) -> bool:
        """Tell if this is the first use after a pause, and note it."""
        before = self._noted.get(key)
        self._noted[key] = now
        return before is None or now - before > timedelta(seconds=FLUSH_SECONDS)

    def flush(self) -> None:
        """Write what is remembered. What cannot be written is forgotten: a last use is a hint, not a record."""
        with self._lock:
            used = dict(self._used)
            self._used.clear()
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
