"""Whatever the server's defaults are, our connections read what it sends."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler

from credservice.core.database_session import SESSION, limit_statements, settle_async
from tests.support.live import conninfo, own_database

DEFAULTS = {
    "datestyle": "'German, DMY'",
    "intervalstyle": "'iso_8601'",
    "timezone": "'Asia/Tokyo'",
    "standard_conforming_strings": "off",
    "client_encoding": "'LATIN1'",
}
READ = "SELECT '2026-01-02 03:04:05+00'::timestamptz, '1 day 2 hours'::interval, '\\', '\u2026'"
EXPECTED = (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), timedelta(days=1, hours=2), "\\", "\u2026")


@pytest.fixture(scope="module")
def unlike():
    """A database whose defaults are unlike ours in everything."""
    with own_database() as url:
        name = url.rpartition("/")[2]
        with psycopg.connect(conninfo(url), autocommit=True) as server:
            for setting, value in DEFAULTS.items():
                server.execute(f"ALTER DATABASE {name} SET {setting} TO {value}")
        yield url


def shown(execute):
    return {name: execute(f"SHOW {name}") for name in SESSION}


@pytest.mark.django_db  # though not in the tests' database
def test_a_connection_of_djangos_reads_it(unlike):
    ours = settings.DATABASES["default"]
    opened = ConnectionHandler({"default": ours | {"NAME": unlike.rpartition("/")[2]}})["default"]
    try:
        with opened.cursor() as cursor:
            assert cursor.execute(READ).fetchone() == EXPECTED
            assert shown(lambda statement: cursor.execute(statement).fetchone()[0]) == SESSION
    finally:
        opened.close()


def test_a_connection_of_the_workers_reads_it(unlike):
    async def read():
        async with await psycopg.AsyncConnection.connect(conninfo(unlike)) as opened:
            await settle_async(opened)
            assert opened.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            cursor = await opened.execute(READ)
            return await cursor.fetchone()

    assert asyncio.run(read()) == EXPECTED


@pytest.mark.django_db
def test_a_connection_limits_its_statements_where_that_was_asked_for():
    ours = ConnectionHandler({"default": settings.DATABASES["default"]})["default"]
    limit_statements(7)
    try:
        with ours.cursor() as cursor:
            assert cursor.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert not ours.is_pooled
    finally:
        limit_statements(0)
        ours.close()
