"""A database that goes away, and comes back, under the vendor's backend."""

import pytest

from credservice.credentials.models import CredentialPolicy
from tests.support.outages import end_own_session, let_it_only_read
from tests.vendor_api.client import Vendor


@pytest.fixture
def vendor(client, transactional_db):
    CredentialPolicy.objects.create(name="keys", issuer="api_key")
    return Vendor(client)


@pytest.mark.parametrize("happens", [end_own_session, let_it_only_read])
def test_a_write_is_done_once_on_another_connection(vendor, trail, happens):
    happens()
    assert vendor.post("/credentials", {"policy": "keys"}).status_code == 201
    assert len(trail.all(action="credential.issued")) == 1
