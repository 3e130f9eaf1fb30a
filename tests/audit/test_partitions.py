"""The months' partitions are made long before they begin."""

import pytest
from django.db import connection

from credservice.audit.partitions import lines_without_month, make_partitions

pytestmark = pytest.mark.django_db


def months() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_auditevent'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def test_missing_months_are_made():
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '12 months', 'YYYY_MM')")
        last = f"audit_auditevent_{cursor.fetchone()[0]}"
        cursor.execute(f"ALTER TABLE audit_auditevent DETACH PARTITION {last}")
        cursor.execute(f"DROP TABLE {last}")
    assert last not in months()
    make_partitions()
    assert last in months()


def test_a_month_that_began_without_one_stops_no_other():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor)"
            " VALUES (now() + interval '14 months', 'test.far', 'done', 'test')"
        )
    assert lines_without_month()
    make_partitions(months=15)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC' + interval '15 months', 'YYYY_MM')")
        assert f"audit_auditevent_{cursor.fetchone()[0]}" in months()


def test_a_role_that_may_make_no_tables_can_have_a_month_made():
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosecdef FROM pg_proc WHERE proname = 'audit_make_partition'")
        assert cursor.fetchone() == (True,)
