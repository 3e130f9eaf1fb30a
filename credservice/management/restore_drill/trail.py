"""Reads the lines of the trail that the backup lacks: in production, or in what was exported of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from credservice.audit.models import AuditEvent
from credservice.credentials.models import CredentialPolicy
from credservice.management.restore_drill import Unusable
from credservice.management.restore_drill.copy import End

_PAGE = 5_000
_COLUMNS = ("id", "action", "outcome", "reason", "actor", "object_type", "object_id", "subject", "detail")
_IN_PRODUCTION = sql.SQL("SELECT {} FROM audit_auditevent WHERE id > %s AND outcome = 'done' ORDER BY id").format(
    sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
)


def in_production(production: psycopg.Connection[Any], end: End) -> Iterator[AuditEvent]:
    """Read the lines in production's own trail, of what was done."""
    with production.cursor(name="since", row_factory=dict_row) as cursor:
        cursor.itersize = _PAGE
        for row in cursor.execute(_IN_PRODUCTION, [end.sealed_line]):
            yield AuditEvent(**row)


def in_export(trail: Path, end: End) -> Iterator[AuditEvent]:
    """Read them in what export_audit wrote as NDJSON. Raises :class:`Unusable`."""
    try:
        with trail.open(encoding="utf-8") as file:
            for text in file:
                found = AuditEvent(**{name: value for name, value in json.loads(text).items() if name in _COLUMNS})
                if found.pk > end.sealed_line and found.outcome == AuditEvent.Outcome.DONE:
                    found.detail.items()  # or it is no line
                    yield found
    except OSError as error:
        raise Unusable(f"{trail}: {error.strerror}.") from None
    except (ValueError, TypeError, AttributeError):
        raise Unusable(f"{trail} is not what export_audit writes: give its NDJSON.") from None


def issuers_of(production: psycopg.Connection[Any] | None) -> dict[str, str]:
    """Find the issuer of each policy: as the copy knows it, and policies that were made since."""
    found: dict[str, str] = {}
    if production is not None:
        found = dict(production.execute("SELECT name, issuer FROM credentials_credentialpolicy").fetchall())
    return found | dict(CredentialPolicy.objects.values_list("name", "issuer"))
