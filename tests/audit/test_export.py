"""The trail goes out whole, in order, once, and safely into a spreadsheet."""

import csv
import io
import json
import re
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from credservice.audit import Line, record
from credservice.audit.export import FIELDS, PAGE, csv_line, read_up
from credservice.audit.models import AuditEvent
from credservice.audit.selection import Selection, parse_time
from credservice.audit_chain.watermark import settled_up_to
from credservice.core.exceptions import Invalid
from credservice.management.commands import export_audit


@pytest.fixture
def three(chain):
    record(Line(action="one.done", actor="user:ann", object_type="thing", object_id="1", detail={"why": "=1+1"}))
    record(
        Line(action="two.done", actor="user:bob", object_type="thing", object_id="2", outcome="refused", reason="bad")
    )
    record(Line(action="two.done", actor="user:ann", object_type="other", object_id="1", subject="end_user:é"))


def export(capsys, **options):
    call_command("export_audit", **options)
    return capsys.readouterr()


def actions(capsys, **options):
    return [json.loads(line)["action"] for line in export(capsys, **options).out.splitlines()]


def test_every_field_of_each_line_is_there(three, capsys):
    first = json.loads(export(capsys).out.splitlines()[0])
    assert tuple(first) == FIELDS
    assert (first["action"], first["actor"], first["detail"]) == ("one.done", "user:ann", {"why": "=1+1"})
    assert first["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"actor": "user:bob"}, ["two.done"]),
        ({"action": "two.done"}, ["two.done", "two.done"]),
        ({"outcome": "refused"}, ["two.done"]),
        ({"object": "1"}, ["one.done", "two.done"]),
        ({"object": "thing:1"}, ["one.done"]),
        ({"object": "thing:"}, ["one.done", "two.done"]),
        ({"since": "2999-01-01"}, []),
        ({"until": "2001-01-01T00:00:00Z"}, []),
        ({"actor": "user:ann", "action": "one.done", "since": "2001-01-01"}, ["one.done"]),
    ],
)
def test_it_exports_what_was_asked_for(three, capsys, options, expected):
    assert actions(capsys, **options) == expected


def test_a_cursor_goes_on_where_the_last_export_ended(three, capsys):
    told = export(capsys, actor="user:bob").err
    last = AuditEvent.objects.exclude(action="audit.exported").latest("id").pk
    assert f"--after {last}" in told
    record(Line(action="three.done", actor="user:ann"))
    assert actions(capsys, after=last, actor="user:ann") == ["three.done"]


def test_an_export_is_recorded_with_its_filter(three, capsys, trail):
    export(capsys, actor="user:bob", format="csv")
    detail = trail.one(action="audit.exported").detail
    assert (detail["actor"], detail["format"]) == ("user:bob", "csv")


@pytest.mark.parametrize(
    "options", [{"since": "soon"}, {"until": "2026-13-01"}, {"outcome": "maybe"}, {"since": "2026-02-30T00:00:00Z"}]
)
def test_what_it_does_not_understand_is_refused_and_not_recorded(three, capsys, trail, options):
    with pytest.raises(CommandError):
        export(capsys, **options)
    assert trail.all(action="audit.exported") == []


def test_csv_has_a_heading_and_neutral_cells(chain, capsys):
    record(Line(action="test.act", actor="=cmd|' /C calc'!A0", object_id='@x"y', subject="-1", detail={"a": "=1"}))
    rows = list(csv.DictReader(io.StringIO(export(capsys, format="csv").out)))
    assert list(rows[0]) == list(FIELDS)
    assert (rows[0]["actor"], rows[0]["object_id"], rows[0]["subject"]) == ("'=cmd|' /C calc'!A0", "'@x\"y", "'-1")
    assert json.loads(rows[0]["detail"]) == {"a": "=1"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("a;=1", "a;'=1"),
        ('a; "=1', "a;' \"=1"),
        ("a\t@x", "a\t'@x"),
        ("a\n-1", "a\n'-1"),
        (" =1", "' =1"),
        ("a-b", "a-b"),
    ],
)
def test_no_formula_begins_where_a_spreadsheet_splits_at_semicolons(value, cell):
    assert next(csv.reader(io.StringIO(csv_line([value]), newline=""))) == [cell]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1, max_size=5))
def test_no_cell_begins_a_formula_and_none_is_lost(values):
    (row,) = csv.reader(io.StringIO(csv_line(values), newline=""))
    for cell, value in zip(row, values, strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert not re.search(r"[;\t\r\n|][\s\"]*[=+\-@]", cell)
        assert cell.replace("'", "") == value.replace("'", "")


def test_lines_are_read_by_pages(chain):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (action, outcome, actor)"
            " SELECT 'bulk', 'done', 'x' FROM generate_series(1, %s)",
            [PAGE * 2 + 1],
        )
    ids = [row["id"] for row in read_up(AuditEvent.objects.all(), after=0, up_to=2**62)]
    assert ids == sorted(set(ids))
    assert len(ids) == PAGE * 2 + 1


@pytest.mark.django_db(transaction=True)
def test_a_line_that_commits_late_is_in_the_next_export(chain, capsys, monkeypatch):
    monkeypatch.setattr(export_audit, "settled_up_to", lambda: settled_up_to(0.2))
    record(Line(action="before", actor="x"))
    opened, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            record(Line(action="late", actor="x"))
            opened.set()
            go_on.wait(20)
        connection.close()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    opened.wait(20)
    record(Line(action="after", actor="x"))
    first = export(capsys)
    go_on.set()
    writer.join(20)
    last = int(first.err.rsplit(" ", 1)[1].strip(".\n"))
    second = [json.loads(line)["action"] for line in export(capsys, after=last).out.splitlines()]
    assert "late" in second
    assert "after" in second


def test_times_are_utc_unless_they_say_otherwise():
    assert parse_time("2026-11-21").isoformat() == "2026-11-21T00:00:00+00:00"
    assert parse_time("2026-11-21T13:05:00").isoformat() == "2026-11-21T13:05:00+00:00"
    assert parse_time("2026-11-21T13:05:00+02:00").isoformat() == "2026-11-21T13:05:00+02:00"
    with pytest.raises(Invalid):
        parse_time("")
    assert Selection(actor="a").said() == {"actor": "a"}
