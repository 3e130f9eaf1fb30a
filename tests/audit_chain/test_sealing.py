"""Batches close in order, cover each line once, and no line that is still to come is left out."""

import threading

import pytest
from django.db import connection, transaction

from credservice.audit import Line, record
from credservice.audit.models import AuditEvent, AuditSeal
from credservice.audit_chain import watermark
from credservice.audit_chain.links import GENESIS
from credservice.audit_chain.sealing import is_behind, last_up_to, seal_settled
from credservice.audit_chain.verification import verify
from tests.support.audit_chain import unguarded


def test_each_batch_covers_the_one_before(chain):
    chain(3, 2)
    first, second = AuditSeal.objects.all()
    assert (first.number, second.number) == (1, 2)
    assert bytes(first.previous) == GENESIS
    assert bytes(second.previous) == bytes(first.head)
    assert second.after_id == first.up_to_id
    assert [part.lines for part in second.month_parts()] == [2]


def test_nothing_new_makes_no_batch(chain):
    chain(1)
    assert seal_settled() == 0
    assert AuditSeal.objects.count() == 1


def test_an_empty_trail_has_no_chain(chain):
    assert seal_settled() == 0
    assert not AuditSeal.objects.exists()


def test_a_batch_is_bounded(chain, monkeypatch):
    monkeypatch.setattr("credservice.audit_chain.sealing.BATCH", 4)
    chain(10)
    assert [seal.month_parts()[0].lines for seal in AuditSeal.objects.all()] == [4, 4, 2]
    assert last_up_to() == AuditEvent.objects.latest("id").pk


def test_a_batch_over_the_end_of_a_month_has_a_part_for_each(chain):
    with unguarded() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor) VALUES ('2031-01-31 23:59:59.9+00', 'a', 'done',"
            " 'x'), ('2031-02-01+00', 'b', 'done', 'x'), ('2031-01-31 23:59+00', 'c', 'done', 'x')"
        )
    seal_settled()
    parts = AuditSeal.objects.get().month_parts()
    assert [(part.month, part.lines) for part in parts] == [("2031-01", 2), ("2031-02", 1)]


@pytest.mark.parametrize("change", ["UPDATE audit_auditseal SET number = 9", "DELETE FROM audit_auditseal"])
def test_a_seal_cannot_be_changed_or_deleted(chain, change):
    chain(1)
    for statement in (change, "TRUNCATE audit_auditseal"):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_head_goes_to_the_log_and_to_the_file(
    chain, settings, tmp_path, caplog, django_capture_on_commit_callbacks
):
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors")
    caplog.set_level("INFO")
    with django_capture_on_commit_callbacks(execute=True):
        chain(1)
    head = bytes(AuditSeal.objects.get().head).hex()
    assert head in (tmp_path / "anchors").read_text()
    assert "audit_sealed" in caplog.text
    assert head in caplog.text


def test_a_file_that_cannot_be_written_stops_no_sealing(chain, settings, caplog, django_capture_on_commit_callbacks):
    settings.AUDIT_ANCHOR_FILE = "/nonexistent/anchors"
    with django_capture_on_commit_callbacks(execute=True):
        chain(1)
    assert "audit_anchor_not_written" in caplog.text
    assert AuditSeal.objects.count() == 1


def test_it_says_when_sealing_is_behind(chain):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (at, action, outcome, actor)"
            " VALUES (now() - interval '61 minutes', 'test.act', 'done', 'x')"
        )
    assert is_behind()
    seal_settled()
    assert not is_behind()


@pytest.mark.django_db(transaction=True)
def test_a_line_of_an_open_transaction_is_waited_for(chain, monkeypatch):
    monkeypatch.setattr(watermark, "WAIT_SECONDS", 0.2)
    opened, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            record(Line(action="test.slow", actor="x"))
            opened.set()
            go_on.wait(20)
        connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    opened.wait(20)
    record(Line(action="test.quick", actor="x"))  # it has the larger id, and commits first
    assert watermark.settled_up_to(0.2) is None
    go_on.set()
    writer.join(20)
    assert seal_settled() == 2


@pytest.mark.django_db(transaction=True)
def test_writers_while_sealing_are_all_covered_once(chain):
    stop = threading.Event()

    def write(number: int) -> None:
        while not stop.is_set():
            with transaction.atomic():
                record(Line(action="test.busy", actor=f"writer:{number}"))
                record(Line(action="test.busy", actor=f"writer:{number}", outcome="refused"))
        connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        batches = [seal_settled() for _ in range(15)]
    finally:
        stop.set()
        for writer in writers:
            writer.join(20)
    batches.append(seal_settled())
    assert sum(batches) == AuditEvent.objects.count()
    assert len([lines for lines in batches if lines]) > 5
    assert verify().lines == sum(batches)


@pytest.mark.django_db(transaction=True)
def test_two_that_seal_at_once_make_one_chain(chain):
    from tests.support.concurrency import at_once

    for number in range(30):
        record(Line(action="test.act", actor=f"x:{number}"))
    results = at_once(lambda _: seal_settled(), 4)
    assert sum(results) == 30
    assert [seal.number for seal in AuditSeal.objects.all()] == list(range(1, AuditSeal.objects.count() + 1))
    assert verify().lines == 30
