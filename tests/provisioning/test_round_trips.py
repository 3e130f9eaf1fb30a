"""Count how often the frequent requests wait for the database."""

import pytest

from tests.provisioning.conftest import new_id, order, put_credential
from tests.support.round_trips import counted_round_trips

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def warm(door, bear):
    """A resource at a door whose connection has prepared its statements."""
    resource_id = new_id()
    assert door.put(f"/v1/resources/{resource_id}", order(resource_id)).status_code == 201
    for _ in range(2):
        warming = new_id()
        for _ in range(2):
            assert put_credential(door, warming, resource_id).status_code == 201
    return resource_id


def test_a_new_credential_waits_for_a_look_up_and_what_it_writes(door, warm):
    with counted_round_trips() as waited:
        assert put_credential(door, new_id(), warm).status_code == 201
    assert waited.count == 2


def test_the_same_credential_again_waits_for_a_look_up_and_its_line(door, warm):
    credential_id = new_id()
    assert put_credential(door, credential_id, warm).status_code == 201
    with counted_round_trips() as waited:
        assert put_credential(door, credential_id, warm).status_code == 201
    assert waited.count == 2


def test_an_unsigned_request_writes_its_line_and_reads_nothing(door, warm):
    with counted_round_trips() as waited:
        assert door.delete(f"/v1/resources/{warm}", header="none").status_code == 401
    assert waited.count == 3  # a transaction: its line must not undo a caller's
