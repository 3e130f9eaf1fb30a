"""Asks the audit log what takes too long, and gets an answer in time."""

import pytest
from django.db import connection

from credservice.console.audit import changelist
from tests.console.audit.conftest import LIST


@pytest.fixture
def sparse(chain, monkeypatch):
    """Hardly anything fits, and the database is said to take too long for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_auditevent (action, outcome, actor)"
            " SELECT CASE WHEN n %% 100 = 0 THEN 'rare' ELSE 'common' END, 'done', 'x' FROM generate_series(1, 3000) n",
            [],
        )
    monkeypatch.setattr(changelist, "WINDOW", 700)
    monkeypatch.setattr(changelist, "WHOLE_MS", 1)
    monkeypatch.setattr(
        changelist.KeysetChangeList, "_read", lambda *_: connection.cursor().execute("SELECT pg_sleep(1)")
    )


def test_a_question_that_takes_too_long_is_answered_in_windows(console, sparse):
    page = console.get(LIST, {"action": "rare"}).context["cl"]
    assert len(page.result_list) == 30
    assert page.reached is None


def test_windows_that_run_out_of_time_go_on_on_the_next_page(console, sparse, monkeypatch):
    monkeypatch.setattr(changelist, "WINDOWS_SECONDS", 0)
    windows = iter([True, False] * 20)
    monkeypatch.setattr(changelist._Windows, "go_on", lambda self: self.left() and next(windows))
    address, seen, pages = f"{LIST}?action=rare", [], 0
    while address:
        response = console.get(address)
        page = response.context["cl"]
        seen += [row.pk for row in page.result_list]
        pages += 1
        assert page.reached is None or "Looked as far as" in response.content.decode()
        address = LIST + page.paginator.following if page.paginator.following else ""
    assert len(seen) == len(set(seen)) == 30
    assert seen == sorted(seen, reverse=True)
    assert pages >= 3


def test_a_timeout_ends_with_the_list(console, world):
    console.get(LIST)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
