"""A dump of an older version's database, brought back as if it had been made this moment."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.support.live import conninfo

HERE = Path(__file__).parent
# The trail's times are under its seals; usage is asked for by the dates that it was reported with.
KEPT = ("audit_auditevent", "audit_auditseal", "provisioning_usage")
_TIMES = """
SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type = 'timestamp with time zone'
GROUP BY table_name
"""
_URLS = {
    "events_eventendpoint": "url",
    "exchange_platform": "api_url",
    "provisioning_marketplace": "connector_url",
    "provisioning_callback": "url",
}


def expected_of(name: str) -> dict[str, Any]:
    """Read what must be there and come about after the upgrade: the literals beside the dump."""
    content: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return content


def restore(name: str, database_url: str, *, made_at: datetime, urls: tuple[str, str]) -> None:
    """Fill an empty database from the dump.

    Its times are moved, so that nothing has ended meanwhile; ``urls`` is where everybody outside was, and where
    they are now.
    """
    with psycopg.connect(conninfo(database_url)) as connection:
        connection.execute(gzip.decompress((HERE / f"{name}.sql.gz").read_bytes()))
    with psycopg.connect(conninfo(database_url)) as connection:
        _move_times(connection, datetime.now(UTC) - made_at)
        for table, column in _URLS.items():
            statement = sql.SQL("UPDATE {} SET {column} = replace({column}, %s, %s)")
            connection.execute(statement.format(sql.Identifier(table), column=sql.Identifier(column)), urls)


def _move_times(connection: psycopg.Connection[Any], age: timedelta) -> None:
    for table, columns in connection.execute(_TIMES).fetchall():
        if not table.startswith(KEPT):
            moved = [_moved(column, age) for column in columns]
            connection.execute(sql.SQL("UPDATE {} SET {}").format(sql.Identifier(table), sql.SQL(", ").join(moved)))


def _moved(column: str, age: timedelta) -> sql.Composed:
    by = timedelta(hours=age // timedelta(hours=1)) if column == "hour" else age
    return sql.SQL("{0} = {0} + {1}").format(sql.Identifier(column), by)
