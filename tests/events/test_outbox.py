"""An event is written with its act or not at all, to whoever takes it, and not where nobody does."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from credservice.events.emit import emit
from credservice.events.models import Event, EventDelivery
from tests.events.conftest import make_endpoint


def tell(type_: str = "credential.issued") -> None:
    emit(type_, object_type="credential", object_id="1")


def statements(act) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"].split()[0] for query in captured.captured_queries]


def test_without_endpoints_it_costs_one_look_in_a_while_and_then_nothing(db):
    assert statements(tell) == ["SELECT"]
    assert statements(tell) == []


def test_a_type_that_nobody_takes_costs_nothing(db, receiver):
    make_endpoint(receiver.server.url, "resource.changed")
    tell()
    assert statements(tell) == []
    assert not Event.objects.exists()


def test_one_that_is_taken_costs_two_statements(endpoint):
    tell()
    assert len(statements(tell)) == 2


def test_each_endpoint_that_takes_the_type_has_a_delivery(endpoint, receiver):
    make_endpoint(receiver.server.url, "credential.issued", name="second")
    make_endpoint(receiver.server.url, "credential.revoked", name="third")
    tell()
    assert set(EventDelivery.objects.values_list("endpoint__name", flat=True)) == {"backend", "second"}
    assert Event.objects.count() == 1


def test_what_is_rolled_back_is_told_to_nobody(endpoint):
    with transaction.atomic():
        tell()
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'events.deliver'")
        assert cursor.fetchone()[0] == 0


def test_an_unknown_type_is_a_mistake_of_ours(db):
    with pytest.raises(ValueError, match="no type"):
        tell("credential.eaten")
