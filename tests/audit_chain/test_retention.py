"""Whole sealed months go, their heads stay, and the chain still holds; nothing else goes."""

import pytest
from django.db import connection

from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit_chain.links import Broken
from credservice.audit_chain.retention import drop_old_months, months
from credservice.audit_chain.sealing import seal_settled
from credservice.audit_chain.verification import verify


@pytest.fixture
def old(chain):
    """A sealed line of 2020-01, one of 2020-02 in the same batch, and a present one."""
    with connection.cursor() as cursor:
        for month in ("2020-01", "2020-02"):
            cursor.execute("SELECT audit_make_partition(%s::date)", [f"{month}-01"])
            cursor.execute(
                "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES (%s, 'test.old', 'done', 'x')",
                [f"{month}-15T00:00Z"],
            )
    chain(1)


def month_names():
    return [f"{month:%Y-%m}" for month in months()]


def test_everything_is_kept_by_default(old):
    assert drop_old_months(actor="worker") == []
    assert "2020-01" in month_names()


def test_old_sealed_months_go_and_the_chain_holds(old, settings, trail):
    settings.AUDIT_RETENTION_DAYS = 365
    assert drop_old_months(actor="worker") == ["2020-01", "2020-02"]
    assert "2020-01" not in month_names()
    assert not AuditEvent.objects.filter(action="test.old").exists()
    assert [line.object_id for line in trail.all(action="audit.month_dropped")] == ["2020-01", "2020-02"]
    report = verify()
    assert (report.batches, report.dropped, report.lines) == (3, ["2020-01", "2020-02"], 1)


def test_a_month_with_a_line_that_is_not_sealed_stays(old, settings, caplog):
    settings.AUDIT_RETENTION_DAYS = 365
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES ('2020-01-20+00', 'a', 'done', 'x')"
        )
    assert drop_old_months(actor="worker") == ["2020-02"]
    assert "2020-01" in month_names()
    assert "audit_month_not_dropped" in caplog.text
    seal_settled()
    assert drop_old_months(actor="worker") == ["2020-01"]


def test_a_month_that_is_too_young_stays(old, settings):
    settings.AUDIT_RETENTION_DAYS = 36500
    assert drop_old_months(actor="worker") == []


def test_a_month_that_was_taken_away_is_found(old):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE audit_auditevent_2020_01")
    with pytest.raises(Broken, match="1 of its 1 lines of 2020-01 were deleted"):
        verify()


def test_a_line_that_comes_back_into_a_dropped_month_is_found(old, settings):
    settings.AUDIT_RETENTION_DAYS = 365
    drop_old_months(actor="worker")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (id, at, action, outcome, actor)"
            " VALUES (%s, '2020-01-20+00', 'a', 'done', 'x')",
            [AuditSeal.objects.get(number=1).up_to_id],
        )
    with pytest.raises(Broken, match="inserted"):
        verify()


def test_the_month_that_runs_cannot_be_dropped(chain):
    chain(1)
    with pytest.raises(Exception, match="is not over"), connection.cursor() as cursor:
        cursor.execute("SELECT audit_drop_partition(date_trunc('month', now() AT TIME ZONE 'UTC')::date)")


def test_nobody_but_the_owner_may_drop_a_month(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('public', 'audit_drop_partition(date)', 'EXECUTE')")
        assert cursor.fetchone() == (False,)
