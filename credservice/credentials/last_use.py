"""When a key was last used: remembered in memory, written off the request path, at most once in a while."""

import atexit
import threading
from datetime import datetime
from uuid import UUID

import structlog
from django.db import Error, connection
from django.utils import timezone

FLUSH_SECONDS = 30.0
log = structlog.get_logger(__name__)

_used: dict[UUID, datetime] = {}
_lock = threading.Lock()
_timer: threading.Timer | None = None

_UPDATE = """
UPDATE credentials_credential AS c SET last_used_at = u.at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS u (id, at)
WHERE c.id = u.id AND (c.last_used_at IS NULL OR c.last_used_at < u.at - interval '1 minute')
"""


def note(credential_id: UUID) -> None:
    """Remember that this credential was used just now. The database learns it within half a minute."""
    global _timer
    with _lock:
        _used[credential_id] = timezone.now()
        if _timer is None:
            _timer = threading.Timer(FLUSH_SECONDS, _flush_in_thread)
            _timer.daemon = True
            _timer.start()


def flush() -> None:
    """Write what is remembered. What cannot be written is forgotten: a last use is a hint, not a record."""
    global _timer
    with _lock:
        used = dict(_used)
        _used.clear()
        _timer = None
    if not used:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, [list(used), list(used.values())])
    except Error as error:
        log.warning("last_use_not_written", error=type(error).__name__)


def _flush_in_thread() -> None:
    try:
        flush()
    finally:
        connection.close()


atexit.register(_flush_in_thread)
