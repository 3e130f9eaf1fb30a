"""A database that goes away, and comes back, under a marketplace."""

import pytest

from provisioning.models import ResourceCredential
from tests.provisioning.conftest import new_id
from tests.support.outages import end_own_session, let_it_only_read


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("happens", [end_own_session, let_it_only_read])
def test_a_put_is_done_once_on_another_connection(door, bear, trail, happens):
    resource_id = new_id()
    order = {"id": resource_id, "product": "bear", "plan": "ursa-minor", "region": "all::global"}
    assert door.put(f"/v1/resources/{resource_id}", order).status_code == 201
    happens()
    credential_id = new_id()
    order = {"id": credential_id, "resource_id": resource_id}
    assert door.put(f"/v1/credentials/{credential_id}", order).status_code == 201
    assert ResourceCredential.objects.count() == 1
    assert len(trail.all(action="credential.issued")) == 1
