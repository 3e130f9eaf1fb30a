"""A suspension reaches what is being made while it comes: no key of a suspended end user checks as good."""

import threading

import pytest
from django.db import connection, transaction

from credservice.credentials.models import Credential
from credservice.credentials.services import rotate
from exchange.models import EndUser
from exchange.services.end_users import suspend_end_user
from exchange.services.grants import grant_credential
from tests.support.exchange_factories import make_door

pytestmark = pytest.mark.django_db(transaction=True)


def suspended_meanwhile(door, act):
    """Do ``act`` in a transaction, at whose end a suspension is already waiting for what it has locked."""
    end_user = EndUser.objects.get(pk=door.end_user.pk)

    def suspend() -> None:
        suspend_end_user(end_user=end_user, actor="test")
        connection.close()

    with transaction.atomic():
        act()
        thread = threading.Thread(target=suspend)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it waits for nothing"
    thread.join(20)


def test_a_successor_that_is_made_while_its_end_user_is_suspended_is_suspended(client):
    door = make_door(client)
    first = door.grant("the first value, long enough")
    suspended_meanwhile(door, lambda: rotate(credential=first, actor="test", entered={"apiKey": "the second value"}))
    assert list(Credential.objects.values_list("suspended", flat=True)) == [True, True]


def test_a_first_exchange_that_a_suspension_overtakes_makes_no_good_credential(client, monkeypatch):
    door = make_door(client)
    door.generate()
    real = EndUser.objects.select_for_update

    def suspend_first(**options):
        EndUser.objects.update(is_active=False)
        return real(**options)

    monkeypatch.setattr(EndUser.objects, "select_for_update", suspend_first)
    assert door.post().status_code == 403
    assert not Credential.objects.filter(suspended=False).exists()


def test_a_grant_by_somebody_who_read_the_end_user_before_is_suspended(client):
    door = make_door(client)
    EndUser.objects.update(is_active=False)
    assert door.end_user.is_active  # as it was read
    parties = {"integration": door.integration, "end_user": door.end_user, "installation": None}
    _, credential = grant_credential(**parties, entered={"apiKey": "a value, long enough"}, actor="test")
    assert credential.suspended
