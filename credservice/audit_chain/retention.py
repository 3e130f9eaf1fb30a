"""Drops what is older than ``AUDIT_RETENTION_DAYS``: whole months, sealed ones only. Their heads stay.

The chain says itself that a month was dropped, by a link of its own: a month that is gone without one was taken away.
"""

import re
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from credservice.audit import Line, record
from credservice.audit.canonical import Part
from credservice.audit.models import AuditSeal
from credservice.audit_chain.links import Broken
from credservice.audit_chain.memory import confirmed_end
from credservice.audit_chain.sealing import append, lock_chain
from credservice.audit_chain.signatures import proving_key

log = structlog.get_logger(__name__)
_PARTITION = re.compile(r"audit_auditevent_(\d{4})_(\d{2})")
# Writers wait behind a DROP that waits for a long reader: they wait for no longer than this, and it is tried tomorrow.
LOCK_TIMEOUT = "500ms"


def drop_old_months(*, actor: str) -> list[str]:
    """Drop the months that ended longer ago than the setting says, and return them, such as 2026-01."""
    if not settings.AUDIT_RETENTION_DAYS:
        return []
    limit = timezone.now() - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    due = [month for month in months() if _end_of(month) <= limit]
    return [f"{month:%Y-%m}" for month in due if _drop(month, actor)]


def months() -> list[datetime]:
    """Return the months that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('audit_auditevent')")
        names = [_PARTITION.search(name) for (name,) in cursor.fetchall()]
    return sorted(datetime(int(name[1]), int(name[2]), 1, tzinfo=UTC) for name in names if name)


def _drop(month: datetime, actor: str) -> bool:
    name = f"{month:%Y-%m}"
    key = proving_key()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            lock_chain()
            before = confirmed_end()
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.execute("SELECT audit_drop_partition(%s::date)", [f"{month:%Y-%m-%d}"])
            append(before, AuditSeal.Kind.RETENTION, [Part(name, 0, "")], None, key)
            record(Line("audit.month_dropped", actor, object_type="audit_month", object_id=name))
    except (Error, Broken) as error:
        log.error("audit_month_not_dropped", month=name, error=type(error.__cause__ or error).__name__)  # noqa: TRY400
        return False
    return True


def _end_of(month: datetime) -> datetime:
    return (month + timedelta(days=32)).replace(day=1)
