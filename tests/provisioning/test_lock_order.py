"""Whoever ends several credentials locks a line's oldest first: nobody who meets there waits in a circle."""

import pytest

from credservice.credentials.models import Credential
from tests.credentials.lock_order import add_successor, is_free_while_waiting
from tests.provisioning.conftest import new_id, order, put_credential

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", ["resources", "credentials"])
def test_the_oldest_of_a_line_is_locked_first(bear, new_door, kind):
    resource_id, credential_id = new_id(), new_id()
    assert new_door().put(f"/v1/resources/{resource_id}", order(resource_id)).status_code == 201
    assert put_credential(new_door(), credential_id, resource_id).status_code == 201
    first = Credential.objects.get()
    second = add_successor(first)
    path = f"/v1/{kind}/{resource_id if kind == 'resources' else credential_id}"
    assert is_free_while_waiting(lambda: new_door().delete(path), first, second)
    assert set(Credential.objects.values_list("state", flat=True)) == {"revoked"}
