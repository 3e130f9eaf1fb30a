"""Finds an exchange's rows the same way in small tables and in large ones."""

import pytest
from django.db import connection

from credservice.keys.services import generate_secret
from exchange import queries
from tests.support.round_trips import counted_round_trips

INDEXES = {
    "exchange_integration_id": "(platform_id = ",
    "exchange_enduser_id": "(platform_id = ",
    "exchange_installation_id": "(platform_id = ",
    "exchange_grant_one_for_installation": "(installation_id = ",
    "exchange_grant_one_for_end_user": "((end_user_id = ",
    "credentials_line": "(line = ",
}


TABLES = (
    "exchange_integration",
    "exchange_enduser",
    "exchange_installation",
    "exchange_grant",
    "credentials_credential",
)


@pytest.fixture
def plan(db):
    """The plan that a connection prepares on a fresh service, and then keeps while the tables grow."""
    statement = queries._EXCHANGE.sql.decode()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        # As on a fresh service, whatever other tests have left: taken back with the test's transaction.
        cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"PREPARE exchange_plan (text, text, text, text) AS {statement}")
        cursor.execute("EXPLAIN EXECUTE exchange_plan ('p', 'i', 'e', 'n')")
        yield "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE exchange_plan")


@pytest.mark.parametrize("index", INDEXES)
def test_each_row_is_found_by_its_whole_key(plan, index):
    found = plan[plan.index(f"using {index} on") :].split("\n")
    assert INDEXES[index] in found[1]
    if index not in ("credentials_line", "exchange_grant_one_for_installation"):
        assert " AND " in found[1]


def test_no_table_is_read_through(plan):
    assert "Seq Scan" not in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("secrets", [1, 2])
def test_an_exchange_waits_for_one_look_up_and_its_line(door, granted, secrets):
    if secrets == 2:
        generate_secret(secret_set=door.platform.secrets, actor="command:test")
    assert door.post().status_code == 200  # the connection prepares its statements
    with counted_round_trips() as waited:
        assert door.post().status_code == 200
    assert waited.count == 2
