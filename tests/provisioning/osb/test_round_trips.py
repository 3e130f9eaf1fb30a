"""Count how often a platform's frequent requests wait for the database."""

import pytest

from tests.provisioning.osb.conftest import at, new_id, offer
from tests.support.round_trips import counted_round_trips

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_catalogue_and_polls_wait_for_one_look_up(platform, instance, binding):
    for path in ("/catalog", f"{at(instance)}/last_operation", f"{at(instance, binding)}/last_operation"):
        assert platform.get(path).status_code == 200  # prepares its statement
        with counted_round_trips() as waited:
            assert platform.get(path).status_code == 200
        assert (path, waited.count) == (path, 1)


def test_a_new_binding_waits_for_a_look_up_and_what_it_writes(platform, instance, binding, small):
    assert platform.put(at(instance, new_id()), offer(small)).status_code == 201
    with counted_round_trips() as waited:
        assert platform.put(at(instance, new_id()), offer(small)).status_code == 201
    assert waited.count == 2
