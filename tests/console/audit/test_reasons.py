"""Finds lines by the reason that somebody typed, of those that the reader may be told of."""

import pytest

from credservice.audit import Line, record
from credservice.console.audit import reasons
from tests.console.audit.conftest import LIST, found
from tests.support.doors import role_client


@pytest.fixture
def viewer(db):
    return role_client("Viewer")


def typed(why, action="installation.approved", object_type="installation", **detail):
    record(Line(action, "user:ann", object_type=object_type, object_id="1", detail=detail or {"why": why}))


@pytest.mark.parametrize("term", ["Ticket 4713", "ticket 4713", "4713", "by phone"])
def test_a_line_is_found_by_any_part_of_its_reason(console, term):
    typed("Ticket 4713, by phone")
    typed("Ticket 4714", "installation.refused")
    assert found(console, q=term) == ["installation.approved"]


@pytest.mark.parametrize("detail", [{"answer": "Ticket 4713"}, {"values": {"why": "Ticket 4713"}}])
def test_a_reason_is_found_where_requests_and_bulk_work_keep_it(console, detail):
    typed("", "bulk_run.started", "bulk_run", **detail)
    assert found(console, q="4713") == ["bulk_run.started"]


@pytest.mark.parametrize("term", ["%", "_____", "47", "T%3", "Ticket\\"])
def test_signs_of_a_pattern_are_read_as_they_are(console, term):
    typed("Ticket 4713")
    assert found(console, q=term) == []


def test_a_percent_sign_is_found(console):
    typed("100% sure")
    assert found(console, q="100% s") == ["installation.approved"]


def test_older_lines_are_not_read_and_the_list_says_so(console, monkeypatch):
    monkeypatch.setattr(reasons, "NEWEST", 3)
    typed("Ticket 4713")
    for _ in range(3):
        typed("another")
    assert found(console, q="4713") == []
    assert "part of a reason in the newest 20,000 lines" in console.get(LIST).content.decode()


def test_reasons_of_what_one_may_not_look_at_are_not_found(console, clerk):
    typed("Ticket 4713")
    typed("Ticket 4713", "user.deactivated", "user")
    typed("Ticket 4713", "vendor_api.call", "")
    assert len(found(console, q="4713")) == 3
    assert found(clerk, q="4713") == []


def test_a_viewer_is_not_told_why_an_account_was_changed(viewer):
    typed("Ticket 4713")
    typed("Ticket 4713", "user.deactivated", "user")
    typed("Ticket 4713", "vendor_api.call", "")
    assert found(viewer, q="4713") == ["installation.approved"]
