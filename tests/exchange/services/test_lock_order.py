"""Withdrawing a grant locks a line's credentials: the oldest first, as everybody does who ends several, and each one
that is made meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction

from credservice.credentials.models import Credential
from credservice.credentials.services import start_successor
from exchange.models import Grant
from exchange.services.grants import withdraw_grant
from tests.credentials.lock_order import add_successor, await_somebody_waiting, is_free_while_waiting


@pytest.mark.django_db(transaction=True)
def test_the_oldest_of_a_line_is_locked_first(granted):
    grant, first = Grant.objects.get(), Credential.objects.get()
    second = add_successor(first)
    withdraw = lambda: withdraw_grant(grant=grant, actor="test", reason="over")  # noqa: E731 - one act
    assert is_free_while_waiting(withdraw, first, second)
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_what_rotations_make_while_a_grant_is_withdrawn_ends_with_it(granted, rotations):
    """Each has its credential locked when the withdrawal asks for it, and commits while that waits: as those do that a
    hand-out of one that is due begins, which lock nothing else of the line."""
    grant = Grant.objects.get()
    begin, begun = Event(), Event()

    def withdraw() -> None:
        try:
            with connection.execute_wrapper(let_a_rotation_begin):
                withdraw_grant(grant=grant, actor="test", reason="over")
        finally:
            connection.close()

    def let_a_rotation_begin(execute, sql, *arguments):
        if "FOR UPDATE" in sql and "credentials_credential" in sql and not rotated.is_set():
            begin.set()
            assert begun.wait(10)
            begun.clear()
        return execute(sql, *arguments)

    rotated = Event()
    with ThreadPoolExecutor(1) as threads:
        withdrawing = threads.submit(withdraw)
        for left in reversed(range(rotations)):
            assert begin.wait(10)
            begin.clear()
            with transaction.atomic():
                active = Credential.objects.lock_one(Credential.objects.get(state="active"))
                start_successor(active, actor="test", entered={"apiKey": f"value {left}"}, overlap=timedelta(hours=1))
                if not left:
                    rotated.set()
                begun.set()
                await_somebody_waiting()
        withdrawing.result(20)
    assert Credential.objects.count() == rotations + 1
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}
    assert not Grant.objects.exists()
