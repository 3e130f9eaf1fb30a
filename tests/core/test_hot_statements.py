"""Statements that go to libpq directly: what they read and write, in whose transaction, and what their failures are."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError

from credservice.core.hot_statements import HotStatement, _check_committed, together
from tests.support.round_trips import counted_round_trips

pytestmark = pytest.mark.django_db(transaction=True)

ADD = HotStatement("test_add", "INSERT INTO hot (id, text) VALUES ($1, $2)")
TEXTS = HotStatement("test_texts", "SELECT text FROM hot ORDER BY id")
BACKEND = HotStatement("test_backend", "SELECT pg_backend_pid()")


@pytest.fixture(autouse=True)
def _table(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE hot (id int PRIMARY KEY, text text NOT NULL)")
    yield
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE hot")


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def _prepared(request, settings):
    """As by default, and as behind a pooler that keeps no prepared statements."""
    settings.PREPARED_STATEMENTS = request.param


@pytest.mark.usefixtures("_prepared")
@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", "Grüße 🐻 \\ ' \" {}"),
        ("text", ""),
        ("int", -5),
        ("boolean", True),
        ("boolean", False),
        ("uuid", uuid4()),
        ("bytea", b"\x00\xff'\\"),
        ("timestamptz", datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)),
        ("text", None),
        ("bytea", None),
    ],
)
def test_a_value_comes_back_as_it_went(type_, value):
    echo = HotStatement(f"test_echo_{type_}", f"SELECT $1::{type_}")
    for _ in range(2):
        assert echo.rows(value) == [(value,)]


def test_a_text_with_nul_is_refused_and_not_cut_off():
    with pytest.raises(DataError, match="NUL"):
        ADD.rows(1, "a\x00b")
    assert TEXTS.rows() == []


def test_it_commits_by_itself_outside_of_a_transaction():
    ADD.rows(1, "kept")
    connection.close()
    assert TEXTS.rows() == [("kept",)]


@pytest.mark.usefixtures("_prepared")
def test_it_is_undone_with_djangos_transaction_though_it_was_its_first_statement():
    with transaction.atomic():
        ADD.rows(1, "undone")
        transaction.set_rollback(True)
    assert TEXTS.rows() == []


@pytest.mark.usefixtures("_prepared")
def test_errors_are_djangos():
    ADD.rows(1, "first")
    with pytest.raises(IntegrityError) as refusal:
        ADD.rows(1, "second")
    assert refusal.value.__cause__.diag.constraint_name == "hot_pkey"
    assert TEXTS.rows() == [("first",)]


def test_a_statement_that_the_server_has_forgotten_is_prepared_again():
    ADD.rows(1, "a")
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    ADD.rows(2, "b")
    assert TEXTS.rows() == [("a",), ("b",)]


def test_a_column_may_change_its_type_meanwhile():
    ADD.rows(1, "7")
    assert TEXTS.rows() == [("7",)]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE hot ALTER text TYPE int USING text::int")
    assert TEXTS.rows() == [(7,)]


@pytest.mark.usefixtures("_prepared")
def test_what_can_wait_goes_with_the_next_in_one_round_trip():
    for statement in (ADD, TEXTS):
        statement.rows(*(0, "warm") if statement is ADD else ())
    with counted_round_trips() as waited, together():
        ADD.later(1, "a")
        ADD.later(2, "b")
        assert TEXTS.rows() == [("warm",), ("a",), ("b",)]
    assert waited.count == 2  # and COMMIT
    connection.close()
    assert TEXTS.rows() == [("warm",), ("a",), ("b",)]


@pytest.mark.usefixtures("_prepared")
def test_what_waits_is_sent_at_the_end_of_the_block_and_committed_in_the_same_round_trip():
    ADD.rows(0, "warm")
    with counted_round_trips() as waited, together():
        ADD.later(1, "a")
        ADD.later(2, "b")
    assert waited.count == 1
    connection.close()
    assert TEXTS.rows() == [("warm",), ("a",), ("b",)]


@pytest.mark.usefixtures("_prepared")
def test_in_a_transaction_of_the_callers_that_one_commits():
    with transaction.atomic():
        with together():
            ADD.later(1, "undone")
        transaction.set_rollback(True)
    assert TEXTS.rows() == []


@pytest.mark.usefixtures("_prepared")
def test_what_is_written_otherwise_is_committed_with_it():
    done = []
    with together():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO hot VALUES (1, 'by cursor')")
        ADD.later(2, "b")
        transaction.on_commit(lambda: done.append(TEXTS.rows()))
    assert done == [[("by cursor",), ("b",)]]


@pytest.mark.usefixtures("_prepared")
def test_an_error_of_the_last_one_undoes_all():
    def add():
        with together():
            ADD.later(1, "a")
            ADD.later(1, "again")

    with pytest.raises(IntegrityError, match="hot_pkey"):
        add()
    assert TEXTS.rows() == []
    ADD.rows(1, "afterwards")
    assert TEXTS.rows() == [("afterwards",)]


@pytest.mark.usefixtures("_prepared")
def test_the_first_error_of_what_waited_is_raised_and_all_of_it_undone():
    def add():
        with together():
            ADD.later(1, "a")
            ADD.later(3, "again")
            TEXTS.rows()

    ADD.rows(3, "there")
    with pytest.raises(IntegrityError, match="hot_pkey"):
        add()
    assert TEXTS.rows() == [("there",)]


def test_outside_of_such_a_block_nothing_waits():
    ADD.later(1, "a")
    assert TEXTS.rows() == [("a",)]


@pytest.mark.parametrize("waits", [True, False], ids=["together", "alone"])
def test_a_statement_that_waits_for_a_lock_holds_no_other_thread(waits):
    """The holder of the lock lets it go only once it has run on: it would never, if the interpreter's were kept."""
    ADD.rows(1, "a")
    change = HotStatement("test_change", "UPDATE hot SET text = 'changed' WHERE id = 1 RETURNING text")
    found = []

    def run():
        with together():
            if waits:
                ADD.later(2, "b")
            found.extend(change.rows())
        connection.close()

    with transaction.atomic():
        BACKEND.rows()
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM hot WHERE id = 1 FOR UPDATE")
        thread = threading.Thread(target=run)
        thread.start()
        while not _is_waiting():
            pass
        assert found == []
    thread.join(20)
    assert found == [("changed",)]


def _is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.usefixtures("_prepared")
def test_much_goes_together_as_well():
    long = "ü" * 1_000_000
    with together():
        ADD.later(1, long)
        assert TEXTS.rows() == [(long,)]


def test_a_value_that_cannot_be_sent_is_told_before_anything_is():
    def add():
        with together():
            ADD.later(1, "a")
            ADD.later(2, "b\x00")

    with pytest.raises(DataError, match="NUL"):
        add()
    assert TEXTS.rows() == []


def test_a_statement_that_is_forgotten_within_a_transaction_costs_the_connection():
    ADD.rows(1, "a")
    [(pid,)] = BACKEND.rows()
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {ADD.name.decode()}")

    def add():
        with together():
            ADD.later(2, "b")

    with pytest.raises(ProgrammingError, match="test_add"):
        add()
    connection.close_if_unusable_or_obsolete()
    add()
    assert BACKEND.rows() != [(pid,)]
    assert TEXTS.rows() == [("a",), ("b",)]


def test_what_is_to_be_rolled_back_is_not_committed():
    def add():
        with together():
            ADD.later(1, "undone")
            transaction.set_rollback(True)

    with pytest.raises(TransactionManagementError):
        add()
    assert TEXTS.rows() == []


def test_a_commit_that_the_server_has_made_a_rollback_of_is_an_error():
    connection.ensure_connection()
    server = connection.connection.pgconn
    server.exec_(b"BEGIN")
    server.exec_(b"SELECT 1/0")
    with pytest.raises(OperationalError), connection.wrap_database_errors:
        _check_committed(server.exec_(b"COMMIT"))


def test_one_such_block_within_another_is_a_mistake():
    def add():
        with together():
            ADD.later(1, "would be lost")
            with together():
                pass

    with pytest.raises(AssertionError, match="would be lost"):
        add()
    assert TEXTS.rows() == []
