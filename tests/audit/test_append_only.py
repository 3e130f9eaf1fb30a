"""The database itself refuses to change the trail, whoever asks."""

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(trail):
    record(Line(action="test.act", actor="command:test", object_type="thing", object_id="1"))
    return trail.one(action="test.act")


def partition_of(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_auditevent WHERE id = %s", [event.pk])
        return cursor.fetchone()[0]


def refused(statement, parameters=()):
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.parametrize("table", ["audit_auditevent", "its partition"])
@pytest.mark.parametrize("change", ["UPDATE {} SET outcome = 'failed' WHERE id = %s", "DELETE FROM {} WHERE id = %s"])
def test_a_line_cannot_be_changed_or_deleted(event, table, change):
    name = partition_of(event) if table == "its partition" else table
    refused(change.format(name), [event.pk])
    event.refresh_from_db()
    assert event.outcome == "done"


def test_no_table_of_the_trail_can_be_emptied(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::text FROM pg_partition_tree('audit_auditevent')")
        tables = [name for (name,) in cursor.fetchall()]
    assert {"audit_auditevent", "audit_auditevent_rest", partition_of(event)} <= set(tables)
    for table in tables:
        refused(f"TRUNCATE {table}")
        refused(f"TRUNCATE {table} CASCADE")


def test_an_upsert_cannot_change_a_line(event):
    refused(
        "INSERT INTO audit_auditevent (id, at, action, outcome, actor) "
        "SELECT id, at, 'other', outcome, actor FROM audit_auditevent WHERE id = %s "
        "ON CONFLICT (id, at) DO UPDATE SET action = 'other'",
        [event.pk],
    )


def test_a_merge_cannot_change_a_line(event):
    if connection.pg_version < 150000:
        pytest.skip("MERGE came with PostgreSQL 15")
    refused(
        "MERGE INTO audit_auditevent t USING (SELECT %s::bigint AS id) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET action = 'other'",
        [event.pk],
    )


def test_the_orm_cannot_change_a_line(event):
    event.action = "other"
    for change in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises((ProgrammingError, InternalError)), transaction.atomic():
            change()


def test_an_unknown_outcome_is_refused():
    with pytest.raises(Exception, match="audit_auditevent_outcome"), transaction.atomic():
        record(Line(action="test.act", actor="command:test", outcome="maybe"))


def test_the_next_year_has_partitions_already():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(to_regclass('audit_auditevent_' || to_char(now() + n * interval '1 month', 'YYYY_MM')))"
            " FROM generate_series(0, 12) n"
        )
        assert cursor.fetchone()[0] == 13


def test_making_a_partition_twice_is_harmless():
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("SELECT audit_make_partition('2031-05-17')")
            assert cursor.fetchone()[0] == "audit_auditevent_2031_05"


def test_a_new_partition_refuses_change_as_well(event):
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_make_partition('2031-05-01')")
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) "
            "VALUES ('2031-05-31 23:59:59.999999+00', 'test.later', 'done', 'test') RETURNING tableoid::regclass::text"
        )
        assert cursor.fetchone()[0] == "audit_auditevent_2031_05"
    refused("UPDATE audit_auditevent SET action = 'other' WHERE action = 'test.later'")
    refused("DELETE FROM audit_auditevent_2031_05")
    refused("TRUNCATE audit_auditevent_2031_05")


def test_a_month_without_a_partition_still_takes_lines():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) "
            "VALUES ('2099-01-01+00', 'test.far', 'done', 'test') RETURNING tableoid::regclass::text"
        )
        assert cursor.fetchone()[0] == "audit_auditevent_rest"
    refused("DELETE FROM audit_auditevent_rest")
