"""Count as written whatever may last, so that no request that has perhaps left something behind is begun anew."""

from contextlib import suppress

import httpx2
import pytest
from django.contrib.auth.models import User
from django.db import Error, OperationalError, connection, transaction

from credservice.core.attempts import first_attempt, may_begin_anew, note_write
from credservice.core.hot_statements import HotStatement
from credservice.core.postgres_copy import copy_lines
from credservice.http.outgoing import client
from tests.support.http_server import unused_port
from tests.support.outages import end_own_session, let_it_only_read

pytestmark = pytest.mark.django_db(transaction=True)

READ = HotStatement("test_read", "SELECT 1")
WRITE = HotStatement("test_write", "UPDATE limits_window SET calls = 0")


def by_hand(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def call_outside():
    with client(seconds=2) as http, suppress(httpx2.TransportError):
        http.get(f"http://127.0.0.1:{unused_port()}/")


@pytest.mark.parametrize(
    "read",
    [READ.rows, lambda: list(User.objects.all()), User.objects.exists, User.objects.count],
    ids=["hot", "rows", "exists", "count"],
)
def test_reads_leave_nothing(read):
    with first_attempt():
        read()
        assert may_begin_anew()


@pytest.mark.parametrize(
    "write",
    [
        WRITE.rows,
        lambda: User.objects.update(first_name="A"),
        lambda: by_hand("SELECT set_config('work_mem', '4MB', false)"),
        lambda: copy_lines("COPY limits_window FROM STDIN", []),
        note_write,
        call_outside,
    ],
    ids=["hot", "rows", "a function", "a copy", "noted", "a call outside"],
)
def test_whatever_may_last_counts(write, settings):
    settings.OUTGOING_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with first_attempt():
        write()
        assert not may_begin_anew()


def test_a_transaction_counts_from_its_commit_on():
    with first_attempt():
        with transaction.atomic():
            User.objects.update(first_name="A")
            WRITE.rows()
            transaction.set_rollback(True)
        assert may_begin_anew()
        with transaction.atomic():
            User.objects.update(first_name="A")
        assert not may_begin_anew()


@pytest.mark.parametrize("write", [WRITE.rows, lambda: User.objects.update(first_name="A")])
def test_what_a_server_that_only_reads_refuses_does_not_count_and_costs_the_connection(write):
    let_it_only_read()
    with first_attempt():
        with pytest.raises(OperationalError):
            write()
        assert may_begin_anew()
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is None


def test_a_write_that_the_connection_broke_under_counts():
    READ.rows()
    end_own_session()
    with first_attempt():
        with pytest.raises(Error):
            WRITE.rows()
        assert not may_begin_anew()
    connection.close()


def test_outside_of_a_request_nothing_is_begun_anew():
    assert not may_begin_anew()
