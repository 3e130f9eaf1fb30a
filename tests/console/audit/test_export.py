"""Exports what the list shows, each time recorded, and bounded."""

import json

from credservice.audit import Line, record
from credservice.console.audit import export as audit_export
from tests.console.audit.conftest import LIST
from tests.support.pages import send


def export(client, form="ndjson", **query):
    return send(client, f"{LIST}export/?{'&'.join(f'{name}={value}' for name, value in query.items())}", format=form)


def test_it_exports_the_present_filter_and_records_it(console, chain, trail):
    for number in range(3):
        record(Line(action="test.act", actor=f"user:{number % 2}"))
    response = export(console, actor="user:0")
    rows = [json.loads(line) for line in b"".join(response.streaming_content).decode().splitlines()]
    assert [row["actor"] for row in rows] == ["user:0", "user:0"]
    assert rows[0]["id"] > rows[1]["id"]
    event = trail.one(action="audit.exported")
    assert (event.actor, event.detail["filters"]) == ("user:root", {"actor": "user:0"})


def test_a_search_is_exported_as_it_is_listed(console, chain):
    record(Line(action="one", actor="x", object_id="7"))
    record(Line(action="two", actor="x", subject="7"))
    record(Line(action="three", actor="x"))
    text = b"".join(export(console, "csv", q="7").streaming_content).decode()
    assert [line.split(",")[2] for line in text.splitlines()[1:]] == ["two", "one"]


def test_an_export_is_bounded(console, chain, monkeypatch):
    monkeypatch.setattr(audit_export, "MAX_LINES", 2)
    chain(5)
    assert len(b"".join(export(console).streaming_content).splitlines()) == 2


def test_each_button_of_the_page_that_stays_downloads_again_and_is_recorded(console, chain, trail):
    chain(2)
    console.get(f"{LIST}export/")
    wanted = ("csv", "ndjson", "ndjson")
    for form in wanted:
        answer = console.post(f"{LIST}export/", {"format": form})
        assert answer["Content-Disposition"].endswith(f'.{form}"')
        assert b"test.act" in b"".join(answer.streaming_content)
    assert tuple(event.detail["format"] for event in trail.all(action="audit.exported")) == wanted


def test_without_the_permission_nothing_is_exported(clerk, trail):
    assert clerk.get(LIST).status_code == 200
    assert "Export these lines" not in clerk.get(LIST).content.decode()
    for answer in (clerk.get(f"{LIST}export/"), clerk.post(f"{LIST}export/", {"format": "csv"})):
        assert answer.status_code == 403
    assert trail.all(action="audit.exported") == []
