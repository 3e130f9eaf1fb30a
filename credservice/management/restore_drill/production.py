"""Reads production beside the copy, in one transaction that may write nothing: rows, and what was done since."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql

from credservice.management.restore_drill.copy import End, Tell
from credservice.management.restore_drill.libpq import Config, connect

# A row may be committed so long after its own time: what is younger than this may rightly be missing from the copy.
UNDER_WAY = timedelta(minutes=5)
_TABLES = """
SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'created_at')
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition ORDER BY c.relname
"""


@contextmanager
def reading(production: Config) -> Iterator[psycopg.Connection[Any]]:
    """Open one moment of production. Raises psycopg.OperationalError where it cannot be reached."""
    with connect(production) as opened:
        opened.autocommit = False
        opened.read_only = True
        opened.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with opened.transaction(force_rollback=True):
            yield opened


def compare_rows(production: psycopg.Connection[Any], end: End, tell: Tell) -> list[str]:
    """Tell the rows of each table, here and there. Returns the tables that lack rows which were made before."""
    faults = []
    with connection.cursor() as copy:
        copy.execute(_TABLES)
        here = dict(copy.fetchall())
        there = dict(production.execute(_TABLES).fetchall())
        tell(f"{'rows':<44}{'backup':>14}{'production':>14}")
        for table in sorted(here.keys() | there.keys()):
            counts = [_count(cursor, table, known) for cursor, known in ((copy, here), (production, there))]
            if counts != [0, 0]:
                shown = ["none" if count is None else f"{count:,}" for count in counts]
                tell(f"{table:<44}{shown[0]:>14}{shown[1]:>14}")
            if here.get(table) and there.get(table):
                before = end.sealed_at - UNDER_WAY
                missing = (_count(production, table, there, before) or 0) - (_count(copy, table, here, before) or 0)
                if missing > 0:
                    faults.append(f"{missing:,} rows of {table} that were there before are not in the backup.")
    return faults


def _count(cursor: Any, table: str, known: dict[str, bool], before: Any = None) -> int | None:
    """Count a table's rows, those made before a time where one is given; None where there is no such table."""
    if table not in known:
        return None
    where = sql.SQL("" if before is None else "WHERE created_at < %s")
    statement = sql.SQL("SELECT count(*) FROM {} {}").format(sql.Identifier(table), where)
    found = cursor.execute(statement, None if before is None else [before])
    (count,) = (found or cursor).fetchone()
    return int(count)
