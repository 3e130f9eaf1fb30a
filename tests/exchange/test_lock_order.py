"""Withdrawing a grant locks a line's oldest credential first, as everybody does who ends several."""

import pytest

from credservice.credentials.models import Credential
from exchange.administration import withdraw_grant
from exchange.models import Grant
from tests.credentials.lock_order import add_successor, is_free_while_waiting


@pytest.mark.django_db(transaction=True)
def test_the_oldest_of_a_line_is_locked_first(granted):
    grant, first = Grant.objects.get(), Credential.objects.get()
    second = add_successor(first)
    withdraw = lambda: withdraw_grant(grant=grant, actor="test", reason="over")  # noqa: E731 - one act
    assert is_free_while_waiting(withdraw, first, second)
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}
